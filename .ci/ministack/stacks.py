"""Repairs of ministack 1.5.33's CloudFormation."""

from urllib.parse import urlparse

from ministack.services.cloudformation import changesets, handlers, helpers


def by_arn(find):
    """Change sets are found by name and the ARN of their stack, too."""
    def found(name, stack=""):
        if stack.startswith("arn:"):
            stack = stack.split("/")[1]
        return find(name, stack)
    return found


def in_path(resolve):
    """A template's address may have the bucket in the host name. ministack reads it from the path alone."""
    def resolved(params, body_key, url_key, label):
        url = helpers._p(params, url_key)
        host = urlparse(url).hostname or ""
        bucket, is_host, _ = host.partition(".s3.")
        if is_host:
            params = {**params, url_key: [f"http://s3/{bucket}{urlparse(url).path}"]}
        return resolve(params, body_key, url_key, label)
    return resolved


def install():
    changesets._find_change_set = by_arn(changesets._find_change_set)
    helpers._resolve_document = in_path(helpers._resolve_document)
