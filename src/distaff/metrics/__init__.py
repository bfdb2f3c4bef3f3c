"""Scores of a representation, by name: functions of plain arrays, without torch."""

from collections.abc import Callable

from distaff.metrics.beta_vae_score import beta_vae_score as beta_vae_score
from distaff.metrics.d_lsbd import d_lsbd as d_lsbd
from distaff.metrics.dci import dci as dci
from distaff.metrics.dci_es import dci_es as dci_es
from distaff.metrics.dci_mig import dci_mig as dci_mig
from distaff.metrics.dlig import dlig as dlig
from distaff.metrics.dmig import dmig as dmig
from distaff.metrics.downstream_accuracy import downstream_accuracy as downstream_accuracy
from distaff.metrics.edi import edi as edi
from distaff.metrics.explicitness import explicitness as explicitness
from distaff.metrics.factor_vae_score import factor_vae_score as factor_vae_score
from distaff.metrics.factorized_support import factorized_support as factorized_support
from distaff.metrics.gaussian_total_correlation import (
    gaussian_total_correlation as gaussian_total_correlation,
)
from distaff.metrics.info_mec import info_mec as info_mec
from distaff.metrics.interventional_robustness import (
    interventional_robustness as interventional_robustness,
)
from distaff.metrics.jemmig import jemmig as jemmig
from distaff.metrics.mcc import mcc as mcc
from distaff.metrics.med import med as med
from distaff.metrics.mig_sup import mig_sup as mig_sup
from distaff.metrics.modularity import modularity as modularity
from distaff.metrics.mutual_information_gap import mutual_information_gap as mutual_information_gap
from distaff.metrics.omes import omes as omes
from distaff.metrics.pairwise_mutual_information import (
    pairwise_mutual_information as pairwise_mutual_information,
)
from distaff.metrics.partition_score import partition_score as partition_score
from distaff.metrics.r_squared import r_squared as r_squared
from distaff.metrics.sap import sap as sap
from distaff.metrics.score import Score
from distaff.metrics.tad import tad as tad
from distaff.metrics.udr import udr as udr
from distaff.metrics.unibound import unibound as unibound
from distaff.metrics.wasserstein_correlation import (
    wasserstein_correlation as wasserstein_correlation,
)
from distaff.metrics.weak_mcc import weak_mcc as weak_mcc
from distaff.metrics.xmig import xmig as xmig
from distaff.registry import Registry

METRICS: Registry[Callable[..., Score]] = Registry(
    "distaff.metrics",
    "metric",
    {
        function.__name__.replace("_", "-"): function
        for function in (
            beta_vae_score,
            factor_vae_score,
            mutual_information_gap,
            mig_sup,
            jemmig,
            dci_mig,
            dmig,
            xmig,
            dlig,
            unibound,
            med,
            dci,
            dci_es,
            sap,
            tad,
            modularity,
            explicitness,
            interventional_robustness,
            omes,
            info_mec,
            edi,
            mcc,
            weak_mcc,
            r_squared,
            udr,
            gaussian_total_correlation,
            wasserstein_correlation,
            pairwise_mutual_information,
            factorized_support,
            downstream_accuracy,
            partition_score,
            d_lsbd,
        )
    },
    accepts=callable,
    aliases={
        "mig": "mutual-information-gap",
        "irs": "interventional-robustness",
        "hfs": "factorized-support",
        "z-diff": "beta-vae-score",
        "z-min-var": "factor-vae-score",
        "dci-d": "dci",
        "r2": "r-squared",
    },
)
register = METRICS.register
