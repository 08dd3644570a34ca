"""Words for sources, stages and statuses that other systems use, and what they mean here."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from baton.kernel.values import fold
from baton.pipelines.pipeline import Pipeline, Stage, Status

T = TypeVar("T", bound=str)
_SOURCES: dict[str, str] = {
    "website": """
        website, web, web site, direct, direct traffic, landing page, web form, web to lead, form, contact form,
        chat, live chat, olark chat, blog, online, webforms, inbound, online store, external website, website visit,
        click2call, internet, homepage
    """,
    "referral": """
        referral, referrals, reference, referred, referral sites, referrer, employee referral, external referral,
        customer referral, word of mouth, recommendation, advisor, friend, through recommendations
    """,
    "paid_ads": """
        paid ads, ads, ad, advertisement, digital advertisement, google ads, adwords, google adwords, pay per click
        ads, ppc, cpc, sem, paid search, paid social, paid, display, display ads, facebook ads, fb ads, instagram
        ads, linkedin ads, banner, retargeting, sponsored, paid media
    """,
    "organic_search": """
        organic search, organic, seo, search, search engine, google, bing, yahoo, duckduckgo, google search, natural
        search
    """,
    "social_media": """
        social media, social, organic social, facebook, fb, instagram, ig, linkedin, twitter, x, tiktok, youtube,
        youtubechannel, pinterest, xing, reddit, whatsapp
    """,
    "cold_outreach": """
        cold outreach, cold call, cold calling, cold email, cold e-mail, outbound, outreach, prospecting, purchased
        list, list, bought list, sequence, apollo, zoominfo, sales prospecting
    """,
    "event": """
        event, events, trade show, tradeshow, trade fair, conference, webinar, seminar, seminar - internal, seminar
        partner, exhibition, meetup, workshop, fair, messe
    """,
    "partner": """
        partner, partners, reseller, affiliate, channel partner, distributor, agency, partnership, sales email alias
        partner
    """,
    "other": """
        other, others, unknown, offline, offline sources, import, email, e-mail, email marketing, newsletter, phone
        inquiry, phone, call, press release
    """,
}
_STATUSES: dict[Status, str] = {
    "new": """
        new, new lead, open, open - not contacted, not contacted, uncontacted, lead, subscriber, fresh, prospect,
        prospecting, unassigned, untouched, marketing qualified lead, mql, cold, incoming, to do, raw, backlog
    """,
    "contacted": """
        contacted, working, working - contacted, attempted to contact, attempted, connected, in progress, in
        conversation, engaging, engaged, nurturing, nurture, contact in future, contact made, reached, replied, open
        deal, pending response, follow up, warm, interested, qualification, contact again, appointment scheduled,
        appointmentscheduled, meeting scheduled, discovery, needs analysis
    """,
    "qualified": """
        qualified, sales qualified lead, sql, pre-qualified, qualified to buy, qualifiedtobuy, opportunity,
        accepted, sales accepted, demo, demo scheduled, presentation scheduled, presentationscheduled, value
        proposition, id. decision makers, perception analysis, hot, evaluation
    """,
    "proposal": """
        proposal, proposal sent, proposal made, proposal/price quote, quote, quote sent, offer, offer sent, decision
        maker bought-in, decisionmakerboughtin, quotation, proposal/quote
    """,
    "negotiating": """
        negotiating, negotiation, negotiation/review, negotiations started, contract, contract sent, contractsent,
        pending contract, verbal agreement, verbal commit, legal review, closing
    """,
    "won": """
        won, closed won, closed-won, closedwon, closed - won, closed (won), customer, converted, closed - converted,
        sold, success, signed, evangelist
    """,
    "lost": """
        lost, closed lost, closed-lost, closedlost, closed - lost, closed (lost), lost lead, dead, closed - not
        converted, closed, rejected, abandoned, closed-lost-to-competition, closed lost to competition, churned
    """,
    "disqualified": """
        disqualified, unqualified, not qualified, junk, junk lead, bad timing, spam, invalid, do not contact, bad
        fit, not interested, recycled
    """,
}
_FINAL = ("won", "lost", "disqualified")


def key(text: str) -> str:
    """What two spellings of a word share: "Closed-Won" and "closedwon" are one."""
    return re.sub(r"[\W_]+", "", fold(text))


def _by_key(words: Mapping[T, str]) -> dict[str, T]:
    return {key(word): meaning for meaning, listed in words.items() for word in listed.replace("\n", " ").split(",")}


_SOURCE_OF = _by_key(_SOURCES)
_STATUS_OF = _by_key(_STATUSES)


def source_of(text: str) -> str | None:
    """The source of Spec B10 that a word means, or None for a word nobody taught us."""
    found = _SOURCE_OF.get(key(text))
    if found is None and fold(text).endswith((" website", " blog", "_home")):
        return "website"
    return found


class Ladder:
    """The stages of one pipeline, found by their names or by what a word says of a lead's progress."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._by_name = {key(stage.name): stage for stage in reversed(pipeline.stages)}
        self._stages = pipeline.stages

    def is_stage(self, text: str) -> bool:
        """Whether a text is the name of a stage itself, so that nothing is lost by leaving it out."""
        return key(text) in self._by_name

    def knows(self, text: str) -> bool:
        """Whether a text leads to a stage of this pipeline."""
        return self._meaning(text) is not None

    def find(self, texts: Sequence[str]) -> tuple[Stage, Status] | None:
        """The stage and status that the texts (a stage, a status) lead to; an end outweighs a way there.

        None where nothing in them is known, or the pipeline has no stage for it.
        """
        meanings = [found for text in texts if text and (found := self._meaning(text))]
        ends = [meaning for meaning in meanings if meaning[1] in _FINAL]
        return next(iter(ends or meanings), None)

    def _meaning(self, text: str) -> tuple[Stage, Status] | None:
        if stage := self._by_name.get(key(text)):
            return stage, stage.status
        status = _STATUS_OF.get(key(text))
        if status is None:
            return None
        admitted = {status} if status not in ("lost", "disqualified") else {"lost", "disqualified"}
        exact = next((stage for stage in self._stages if stage.status == status), None)
        stage = exact or next((stage for stage in self._stages if stage.status in admitted), None)
        return (stage, status) if stage else None
