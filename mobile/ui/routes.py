"""Which screen stands at which address. A screen's module is imported when it is first opened:
Today must not wait for the rest of the app.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import flet as ft

from mobile.ui.components.messages import log_fault, notice
from mobile.ui.hooks import keyed
from mobile.ui.texts import t
from mobile.ui.theme import PAD


def late(module: str, name: str) -> Callable[[], Any]:
    """A component that stands for `mobile.ui.screens.<module>.<name>` and imports it when it is
    first shown.

    Each address gets a screen of its own: another customer's page begins with fresh state.
    """

    @ft.component
    def Late() -> Any:
        screen = getattr(importlib.import_module(f"mobile.ui.screens.{module}"), name)
        return keyed(f"{name} {ft.use_route_location()}", Screen, screen)

    return Late


@ft.component
def Screen(screen: Any) -> Any:
    """Renders `screen` in its own place; where that fails, words stand there instead of a frozen
    app.
    """
    try:
        # The screen's own function, so that its hooks are this component's and a failure is caught.
        return screen.__component_impl__()
    except Exception as fault:
        log_fault(fault)
        return _apology()


def _apology() -> ft.View:
    card = notice(ft.Icons.ERROR_OUTLINE, t("error.unforeseen"), tone="error")
    return ft.View(route="/", controls=[ft.SafeArea(card)], padding=PAD)


# Address → module and component. Each is one view of its own: the trail, not the address, knows the
# way back.
SCREENS = {
    "customers": ("customers", "CustomersScreen"),
    "customers/new": ("customer_edit", "NewCustomerScreen"),
    "customers/:customer_id": ("customer", "CustomerScreen"),
    "customers/:customer_id/edit": ("customer_edit", "EditCustomerScreen"),
    "customers/:customer_id/visit": ("visit_plan", "PlanVisitScreen"),
    "customers/:customer_id/consent": ("customer_consent", "ConsentScreen"),
    "customers/:customer_id/plan/:plan_id": ("churn_plan", "PlanScreen"),
    "customers/:customer_id/tier/:proposal_id": ("tier_proposals", "TierProposalScreen"),
    "customers/:customer_id/case": ("case_open", "OpenCaseScreen"),
    "customers/:customer_id/contacts/:contact_id": ("contact_edit", "EditContactScreen"),
    "customers/:customer_id/assets/:asset_id": ("asset_edit", "EditAssetScreen"),
    "customers/:customer_id/looks": ("looks", "CustomerLooksScreen"),
    "visits/:visit_id": ("visit", "VisitScreen"),
    "visits/:visit_id/plan": ("visit_plan", "MoveVisitScreen"),
    "visits/:visit_id/photos/:file_id": ("visit_photo", "VisitPhotoScreen"),
    "cases": ("cases", "CasesScreen"),
    "cases/:case_id": ("case", "CaseScreen"),
    "cases/:case_id/another": ("case_open", "OpenCaseScreen"),
    "cases/:case_id/steps/:step": ("complaint_step", "ComplaintStepScreen"),
    "customers/:customer_id/feedback": ("feedback", "NoteFeedbackScreen"),
    "cases/:case_id/feedback": ("feedback", "NoteFeedbackScreen"),
    "customers/:customer_id/training": ("training", "LogTrainingScreen"),
    "cases/:case_id/training": ("training", "LogTrainingScreen"),
    "trainings/:training_id": ("training", "TrainingScreen"),
    "feedback/:feedback_id": ("feedback", "FeedbackScreen"),
    "calls/new": ("call_in", "CallInScreen"),
    "cases/:case_id/report": ("report", "ReportScreen"),
    "cases/:case_id/sign": ("sign_off", "SignOffScreen"),
    "reports/:report_id": ("report_view", "ReportViewScreen"),
    "ask/:subject/:subject_id": ("ask", "AskScreen"),
    "callbacks": ("callbacks", "CallbacksScreen"),
    "callbacks/:callback_id": ("callback", "CallbackScreen"),
    "surveys": ("surveys", "SurveysScreen"),
    "surveys/for/:customer_id": ("surveys", "SurveysScreen"),
    "sync": ("sync", "SyncScreen"),
    "sync/doctor": ("doctor", "DoctorScreen"),
    "decisions": ("decisions", "DecisionsScreen"),
    "decisions/:conflict_id": ("conflict", "ConflictScreen"),
    "sync/conflicts/:conflict_id": ("conflict", "ConflictScreen"),  # as it was until 2026-11
    "figures": ("figures", "FiguresScreen"),
    "settings": ("settings", "SettingsScreen"),
    "looks": ("looks", "OwnLooksScreen"),
    "settings/second-factor": ("second_factor", "SecondFactorScreen"),
    "more": ("more", "MoreScreen"),
}

ROUTES = [
    ft.Route(index=True, component=late("today", "TodayScreen")),
    *(ft.Route(path=path, component=late(*where)) for path, where in SCREENS.items()),
]
NOT_FOUND = late("not_found", "NotFound")
