"""The api. Slots: ``path``; ``what`` names fields of the data (``s`` is their plural ending) or a payload."""

from ainl_align.tasks.wording.pool import Pool

FIELDS = Pool(
    train=(
        "ask the api for {path} and read {what} from its data",
        "read {what} from the data of the api path {path}",
        "get {path} from the api and take {what} out of the data",
        "call the api at {path} and read {what}",
        "api get {path}, take {what} from the data",
        "look up {what} in the api data at {path}",
        "use the api path {path} to read {what}",
        "query the api for {path} and keep {what}",
        "from the api, {path}, take {what}",
        "fetch {path} through the api and use {what} of its data",
    ),
    held=(
        "consult the api under {path} for {what}",
        "let the api answer {path} and pick {what} from the data",
        "obtain {what} via the api, path {path}",
        "pull {what} out of the data that the api has at {path}",
        "see what the api says at {path} about {what}",
        "retrieve {what} by an api read of {path}",
    ),
)
DATA = Pool(
    train=(
        "get the data of {path} from the api",
        "ask the api for the data at {path}",
        "read the api data at {path}",
        "fetch {path} from the api and take its data",
        "api get {path}, take the data",
        "call the api at {path} for its data",
        "load the data behind the api path {path}",
        "take the data that the api has at {path}",
    ),
    held=(
        "pull the data of {path} through the api",
        "let the api give you the data under {path}",
        "obtain what data the api keeps at {path}",
        "retrieve the api's data for {path}",
        "do an api read of {path} and keep the data",
    ),
)
SEND = Pool(
    train=(
        "post {what} to the api at {path}",
        "send {what} to the api path {path}",
        "api post to {path}: {what}",
        "post {what} to {path} through the api",
        "call the api at {path} with {what}",
        "submit {what} to the api, path {path}",
        "send the api {what} at {path}",
        "pass {what} to the api at {path}",
        "use the api to post {what} to {path}",
    ),
    held=(
        "hand {what} to the api under {path}",
        "give the api {what}, path {path}",
        "deliver {what} to {path} by way of the api",
        "let the api have {what} at {path}",
        "make an api post of {what} to {path}",
    ),
)
FIELD = Pool(train=("{name}", "the {name}", "its {name}", "that {name}"), held=("the {name} value", "this {name}"))
NOUN = Pool(train=("the data", "that data", "its data"), held=("the data received", "this data"))
