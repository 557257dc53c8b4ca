"""Bucket policies, as far as moto's S3 does not evaluate them.

A statement that denies calls without TLS has the condition aws:SecureTransport = false. Moto ignores conditions, so the
statement denies every call. Tests reach moto over plain HTTP in place of TLS, so the statement does not apply here.
"""

import json

from moto.s3.models import FakeBucket

WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}


def install():
    original = FakeBucket.get_permission

    def get_permission(self, action, resource):
        whole = self.policy
        if not whole:
            return original(self, action, resource)
        policy = json.loads(whole)
        policy["Statement"] = [s for s in policy["Statement"] if s.get("Condition") != WITHOUT_TLS]
        self.policy = json.dumps(policy).encode()
        try:
            return original(self, action, resource)
        finally:
            self.policy = whole

    FakeBucket.get_permission = get_permission
