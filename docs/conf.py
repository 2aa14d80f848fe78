"""Settings of the documentation site; `make docs` builds it.

The source folder of Sphinx is the root of the repository, not ``docs``: the pages link to cards of
datasets, reports of results and other files, and these links must work on the site as they do on
any viewer of the repository. ``docs/reference`` is written by the extension `sigbench_site`.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs/_ext")]

from sigbench_site.gallery import GALLERY  # noqa: E402

import sigbench  # noqa: E402

project = "sigbench"
author = "The sigbench developers"
copyright = author
version = release = sigbench.__version__

root_doc = "docs/index"
include_patterns = [
    "docs/**.md",
    "docs/**.rst",
    "datasets/*.md",
    "results/*/leaderboard.md",
    "benchmarks/README.md",
    "examples/**/README.md",
    "examples/README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
]
exclude_patterns = [".*", "build", "dist", "runs", "docs/_*", "docs/gallery", "**/cells"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_argparse_cli",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
    "sigbench_site",
]

myst_enable_extensions = ["colon_fence", "fieldlist"]
myst_heading_anchors = 4

smartquotes = False  # names such as white--5dB and options such as --out
default_role = "py:obj"  # `name` in a docstring is a link if there is a page about it
templates_path = ["_templates"]
autodoc_typehints = "none"  # numpydoc lists the types
autodoc_member_order = "bysource"
autosummary_generate = True
numpydoc_show_class_members = False

bibtex_bibfiles = ["bibliography.bib"]
bibtex_default_style = "plain"
bibtex_reference_style = "author_year"

sphinx_gallery_conf = GALLERY

html_theme = "pydata_sphinx_theme"
html_context = {"default_mode": "auto"}
html_title = "sigbench"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_root", "reference/extra"]  # the first leads from / to root_doc
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "show_prev_next": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
}
