"""Debian's parameters and images, which ministack lacks. The names are Debian's (wiki.debian.org/Cloud/AmazonEC2Image)."""

from ministack.services import ec2, ssm

DEBIAN = "136693071363"  # the account that publishes Debian's images


def install():
    for number, (release, architecture) in enumerate((r, a) for r in ("12", "13") for a in ("amd64", "arm64")):
        image = f"ami-0deb1a{number:011x}"
        for channel in ("release", "daily"):
            ssm._PUBLIC_AMI_PARAMETERS[f"/aws/service/debian/{channel}/{release}/latest/{architecture}"] = image
        ec2._STUB_AMIS.append((image, f"debian-{release}-{architecture}", f"Debian {release}", "", "/dev/xvda", DEBIAN, None))
