"""Who, and what happened: people, team, customers, events, measures, goals."""

from .contact_import import ContactImport, NotTheSame
from .customer import CHANNELS, EVERY_CHANNEL, Customer, Note
from .decline import DeclineFit
from .distributor import Distributor
from .event import ApiKey, Event
from .feature import CustomerLine, Feature, FeatureMark, Version
from .goal import ForecastPool, Goal
from .look import Look
from .market import Market
from .measure import Measure, Order, OrderLine
from .product import Product, ProductLine
from .reorder import ReorderFit
from .segment import Segment, SegmentMember
from .user import STAFF_ROLES, Role, User

__all__ = [
    "CHANNELS",
    "EVERY_CHANNEL",
    "STAFF_ROLES",
    "ApiKey",
    "ContactImport",
    "Customer",
    "CustomerLine",
    "DeclineFit",
    "Distributor",
    "Event",
    "Feature",
    "FeatureMark",
    "ForecastPool",
    "Goal",
    "Look",
    "Market",
    "Measure",
    "NotTheSame",
    "Note",
    "Order",
    "OrderLine",
    "Product",
    "ProductLine",
    "ReorderFit",
    "Role",
    "Segment",
    "SegmentMember",
    "User",
    "Version",
]
