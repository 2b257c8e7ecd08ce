"""Every entity, declared once. Importing this package fills `shared.declare.ENTITIES`."""

from shared.entities.access import AccessRequest, Assignment, Grant, Notice
from shared.entities.callback import Attempt, Callback
from shared.entities.case import Case, CaseEvent
from shared.entities.catalogue import Policy, Reference
from shared.entities.churn import ChurnScore, RetentionPlan
from shared.entities.consent import Consent
from shared.entities.customer import Contact, Customer
from shared.entities.desk import CustomerTraining, Feedback, Inspection, Milestone, Transfer
from shared.entities.evidence import Conflict, File, Look
from shared.entities.figure import FigureSheet
from shared.entities.organisation import Organisation, Staff, Store
from shared.entities.purchase import Asset, Order, OrderLine
from shared.entities.report import CheckItem, PartUsed, Report, Signature, Stroke
from shared.entities.survey import Question, Survey, SurveyAnswer, SurveyReply
from shared.entities.tiering import Reason, TierProposal
from shared.entities.visit import Answer, Position, Visit

__all__ = [
    "AccessRequest",
    "Answer",
    "Asset",
    "Assignment",
    "Attempt",
    "Callback",
    "Case",
    "CaseEvent",
    "CheckItem",
    "ChurnScore",
    "Conflict",
    "Consent",
    "Contact",
    "Customer",
    "CustomerTraining",
    "Feedback",
    "FigureSheet",
    "File",
    "Grant",
    "Inspection",
    "Look",
    "Milestone",
    "Notice",
    "Order",
    "OrderLine",
    "Organisation",
    "PartUsed",
    "Policy",
    "Position",
    "Question",
    "Reason",
    "Reference",
    "Report",
    "RetentionPlan",
    "Signature",
    "Staff",
    "Store",
    "Stroke",
    "Survey",
    "SurveyAnswer",
    "SurveyReply",
    "Transfer",
    "TierProposal",
    "Visit",
]
