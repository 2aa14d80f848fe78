"""Usual names of columns of tables of scores."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Usual names of columns, in lower case, without spaces, dots, hyphens and underscores.
USUAL = {
    "method": _words(
        "method model network classifier algorithm system approach estimator denoiser learner "
        "submission methodname modelname classifiername algorithmname"
    ),
    "item": _words(
        "item sample id instance example itemid sampleid image utterance clip file filename query "
        "question prompt fold seed resample repeat repetition executionid itemname imagename"
    ),
    "dataset": _words(
        "dataset data task problem benchmark corpus datasetname taskname problemname"
    ),
    "group": _words("group speaker subject patient cluster groupid speakerid subjectid patientid"),
    "value": _words(
        "value score result performance accuracy acc metricvalue auc f1 psnr ssim pesq stoi snr "
        "sdr sisdr map ndcg bleu rmse mse mae loss error errorrate wer cer fid"
    ),
}
SUMMARIES = _words("average avg mean overall total median rank meanrank averagerank avgrank")
LOWER = _words(
    "rmse mse mae mape nmse loss losses error errors err wer cer eer fid lpips perplexity ppl nll "
    "regret brier runtime latency"
)
PROPERTIES = _words(
    "std stderr error count size parameters params param rank elo votes rate winrate "
    "time rtf rtfx speed memory year date length epochs seed flops cost price"
)


def plain(name: str) -> str:
    """Return a name of a column in lower case, without separators.

    Examples
    --------
    >>> plain("Data_Set"), plain("Mean Rank")
    ('dataset', 'meanrank')
    """
    return re.sub(r"[\s._-]+", "", name).casefold()


def is_summary(name: str) -> bool:
    """Return whether a column or row has the name of an average.

    Examples
    --------
    >>> is_summary("Average"), is_summary("Avg. WER"), is_summary("mean-teacher")
    (True, True, False)
    """
    return plain(name) in SUMMARIES or plain(name.split()[0]) in ("avg", "average")


def may_be_filter(name: str) -> bool:
    """Return whether the name of an average is also the name of a filter.

    Examples
    --------
    >>> may_be_filter("Median"), may_be_filter("average")
    (True, False)
    """
    return plain(name) in ("mean", "median")


def is_property(name: str) -> bool:
    """Return whether a column has the name of a property or statistic rather than of a score.

    Examples
    --------
    >>> is_property("win_rate"), is_property("Model size (B)"), is_property("CoLA")
    (True, True, False)
    """
    return not PROPERTIES.isdisjoint(re.split(r"[^a-z]+", name.casefold()))


def lower_is_usual(name: str) -> bool:
    """Return whether lower values of a metric with this name are usually better.

    Examples
    --------
    >>> lower_is_usual("test_RMSE"), lower_is_usual("accuracy"), lower_is_usual("results_wer")
    (True, False, True)
    """
    return not LOWER.isdisjoint(re.split(r"[^a-z]+", name.casefold()))
