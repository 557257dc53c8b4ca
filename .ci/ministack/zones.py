"""Six zones for each region. ministack 1.5.33 has three, but us-east-1 has zones such as use1-az4."""

from ministack.core.responses import get_region
from ministack.services import ec2


def install():
    def name(zone_id):
        names = (get_region() + letter for letter in "abcdef")
        return next((n for n in names if ec2._az_id_for_zone_name(n) == zone_id), None)

    ec2._zone_name_for_az_id = name
