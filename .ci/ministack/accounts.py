"""Gives each test an account of its own: an access key AKIA<12 digits>SPCL is a key of the account of those digits."""

import re

import ministack.app

KEY = re.compile(r"AKIA(\d{12})SPCL")


def install():
    plain = ministack.app.set_request_account_id

    def set_account(access_key):
        own = KEY.fullmatch(access_key or "")
        plain(own.group(1) if own else access_key)

    ministack.app.set_request_account_id = set_account
