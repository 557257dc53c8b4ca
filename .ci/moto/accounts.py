"""Gives each test an account of its own: an access key AKIA<12 digits>SPCL is a key of the account of those digits.

Else moto takes every access key that it has not issued itself for one of the same account.
"""

import re

from moto.iam import models
from moto.sts import models as sts

KEY = re.compile(r"AKIA(\d{12})SPCL")


def install():
    issued = models.get_account_id_from

    def account_of(access_key):
        own = KEY.fullmatch(access_key)
        return own.group(1) if own else issued(access_key)

    models.get_account_id_from = account_of
