"""What rooms below the pages say in words of their own: pages show it through `told`, in the reader's language."""

from baton.doors.web.shell.language import marked, shaped

SCORING = (
    marked("Source quality"), marked("Company size"), marked("Deal value"), marked("Decision-maker title"), marked("Profile completeness"),
    marked("decision-maker title"), marked("director title"), marked("manager title"), marked("a title is known"),
    marked("source referral"), marked("source partner"), marked("source website"), marked("source event"), marked("source paid ads"),
    marked("source organic search"), marked("source social media"), marked("source cold outreach"), marked("source other"),
    marked("e-mail known"), marked("phone known"), marked("company known"), marked("title known"), marked("website known"),
    marked("industry known"), marked("location known"), marked("company size known"), marked("a value is known"),
    shaped("Score %(score)s: %(reasons)s"),
    shaped("Score %(score)s"),
    marked("a small company"),
    shaped("worth %(value)s or more"), shaped("Score %(score)s: %(reasons)s."), shaped("%(size)s people or more"),
)  # fmt: skip
NOTICES = (
    marked("A lead of mine replies"), marked("A lead is assigned to me"), marked("A task is given to me"), marked("A follow-up is due"),
    marked("Every morning: my overdue follow-ups"), marked("A lead has been in its stage for nearly as long as it should"),
    marked("A lead has been in its stage for too long"), marked("Somebody mentions me in a note"),
    marked("A lead of mine was written to by itself"), marked("Something waits for my approval"),
    marked("An agent of mine needs a person"), marked("Somebody whom I invited joins"),
    marked("A webhook was switched off"), marked("Anything else"),
)  # fmt: skip
HEALTH = (
    marked("Reading the log"), marked("What happens is answered at once."), marked("Jobs"), marked("No job waits."), marked("Held jobs"),
    marked("Every job was done."), marked("What falls due"), marked("What falls due is told at once."), marked("Messages going out"),
    marked("Every message has left."), marked("Every endpoint answers."),
    shaped("What happened %(age)s ago has not been answered yet. Is a worker running (baton serve, or baton worker)?"),
    shaped("%(count)s jobs wait, the oldest for %(age)s."), shaped("%(count)s jobs could not be done and wait for a person."),
    marked("1 job could not be done and waits for a person."), shaped("Something fell due %(age)s ago and was not told yet."),
    shaped("Mailbox %(address)s"), shaped("%(count)s could not be sent since yesterday."),
    shaped("%(count)s may or may not have left: a person decides."),
)  # fmt: skip
STORY = (
    shaped("The import of %(file)s was undone."), shaped("The lead is %(status)s."), shaped("It recurs (%(rule)s)."),
    shaped("It stayed in %(stage)s for too long."), marked("It could not be read."), marked("It is our own."),
    marked("The sender is unknown."), marked("A new lead was made of the sender."), marked("Undone."),
    shaped("Leads leave %(stage)s within %(days)s; this one is there since %(since)s."), shaped("The stage “%(stage)s” was removed"),
    shaped("The pipeline “%(pipeline)s” was removed"), marked("Its stage was archived"), shaped("Follow up with %(lead)s"),
)  # fmt: skip
INVITATIONS = (
    marked("This link leads to no invitation. Look whether it is complete, or ask for a new one."),
    marked("This invitation has expired. Ask for a new link."),
    marked("Whoever invited you may not do so any more. Ask another admin for a new link."),
    marked("This invitation was used already. Sign in with your e-mail and password."),
    marked("This invitation was withdrawn. Ask who invited you."),
    marked("This organization is closed at the moment, and takes nobody in."),
    marked("Nothing carries mail here. Hand the link over, or connect a mailbox under Settings → E-mail."),
    marked("This link is used up, too old, or not complete. Ask for a new one."),
    shaped("Too many links asked for. Try again in %(seconds)s seconds."), marked("A password has at most 1000 characters."),
    shaped("It could not be mailed: %(why)s"), shaped("Too many links that lead nowhere. Try again in %(seconds)s seconds."),
)  # fmt: skip
