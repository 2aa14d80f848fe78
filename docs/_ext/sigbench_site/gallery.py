"""Settings of the gallery of figures (sphinx-gallery)."""

GALLERY = {
    "examples_dirs": ["docs/gallery"],
    "gallery_dirs": ["docs/reference/gallery"],
    "filename_pattern": "/plot_",
    "within_subsection_order": "FileNameSortKey",
    "notebook_extensions": (),
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,  # that page would load scripts from other hosts
    "min_reported_time": 10**6,  # no times: they depend on the machine
    "download_all_examples": False,
    "remove_config_comments": True,
    "abort_on_example_error": True,
}
