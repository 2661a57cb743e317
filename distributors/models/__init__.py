"""Who, and what happened: people, team, customers, events, measures, goals."""

from .customer import Customer, Note
from .decline import DeclineFit
from .distributor import Distributor
from .event import ApiKey, Event
from .feature import CustomerLine, Feature, FeatureMark, Version
from .goal import ForecastPool, Goal
from .look import Look
from .market import Market
from .measure import Measure, Order, OrderLine
from .product import Product, ProductLine
from .segment import Segment, SegmentMember
from .user import Role, User

__all__ = [
    "ApiKey",
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
    "Note",
    "Order",
    "OrderLine",
    "Product",
    "ProductLine",
    "Role",
    "Segment",
    "SegmentMember",
    "User",
    "Version",
]
