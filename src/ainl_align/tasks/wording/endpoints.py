"""Endpoints in words. Slots: ``m`` (method), ``p`` (path), and those of ``voices``; ``BODY`` is said of posted JSON."""

from ainl_align.tasks.wording.pool import Pool

WHERE = Pool(
    train=(
        "{m} {p}",
        "{m} {p}",
        "{m} requests to {p}",
        "{p} ({m})",
        "a {m} on {p}",
        "{m} calls to {p}",
        "the path {p}, method {m}",
        "{p} with {m}",
    ),
    held=("a {m} request at {p}", "{p} called by {m}", "the route {p} under {m}", "{m} at {p}"),
)

BODY = Pool(
    train=(" with a JSON body", " that carries JSON", " (JSON body)", " with posted JSON"),
    held=(" where JSON is sent along", " with JSON in the body", " (the body is JSON)"),
)

VOICES = Pool(
    train=(
        "On {where}{body}, {first}.{rest}",
        "Endpoint {m} {p}: {first}.{rest}",
        "Build an endpoint {m} {p}{body}. {text}",
        "Handle {where} like this: {first}.{rest}",
        "Spec for {m} {p}:{bullets}",
        "Service endpoint. Route: {m} {p}.{bullets}",
        "When a request comes in on {where}{body}, {first}.{rest}",
        "{m} {p}: {first}.{rest}",
        "Can you make an endpoint {m} {p}? It should do this: {first}.{rest}",
        "{text} This is for {where}{body}.",
        "Add {m} {p} to the service. {text}",
        "Please write a handler for {where}. {text}",
        "The API needs {m} {p}{body}.{bullets}",
        "API endpoint, path {p}, method {m}:{numbered}",
        "Whenever someone calls {m} {p}, {first}.{rest}",
        "{text} All of it happens on {where}.",
        "I'd like a small API: {m} {p}{body}. {text}",
        "Requirement: {m} {p} is served as follows. {text}",
        "User story: as a client I call {m} {p}. {text}",
        "hi, need web endpoint {p}, it is {m}. {text}",
        "Serve {where}: {first}.{rest}",
        "Route {p}, {m}. {text}",
        "Web handler for {m} {p}, steps:{numbered}",
        "{text} Expose this as {m} {p}.",
    ),
    held=(
        "For every request to {m} {p}{body}, {first}.{rest}",
        "We need a route {m} {p}. {text}",
        "Ticket: add {m} {p}{bullets}",
        "Callers use {where}{body}. {text}",
        "{text} Route: {m} {p}.",
        "Let there be {where}{body}, behaving like so: {first}.{rest}",
        "{text} It shall be reachable by {m} under {p}.",
        "Behaviour of {m} {p}:{numbered}",
        "An HTTP client sends {m} to {p}{body}. What we do then: {first}.{rest}",
        "How would you implement {m} {p}? We want it so: {first}.{rest}",
        "New endpoint wanted, {m} {p}.{bullets}",
        "In reaction to {where}{body}: {first}.{rest}",
        "Our backend lacks {m} {p}. {text}",
        "Kindly create {p} for {m}. {text}",
    ),
)
