"""A model that is opened for the first time: what is being done is said before it is done."""

import time

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Spinner_pb2 import Spinner
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from engine.api import Local
from pages.shell.cache import engine
from tests.pages.conftest import Open


@pytest.mark.parametrize(
    ("name", "model"),
    [("2_Embeddings", "tales-gpt"), ("3_Attention", "tales-bert"), ("4_Translation", "fr-en"),
     ("5_Decoding", "tales-gpt"), ("1_Tokenization", "tales-gpt")],
)  # fmt: skip
def test_a_model_that_is_opened_is_named_while_that_takes_time(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, name: str, model: str
) -> None:
    """What the browser is sent before the model is there: its name, its size, a running clock."""
    sent: list[Spinner] = []
    opening: list[list[Spinner]] = []
    enqueue, plain_open = ForwardMsgQueue.enqueue, Local.open

    def watched(queue: ForwardMsgQueue, message: ForwardMsg) -> None:
        shown = message.delta.new_transient.elements  # what is there for a while
        sent.extend(element.spinner for element in shown if element.HasField("spinner"))
        enqueue(queue, message)

    def slowly(self: Local, asked: str) -> None:
        patience = time.monotonic() + 5
        while not sent and time.monotonic() < patience:
            time.sleep(0.01)
        opening.append(list(sent))
        plain_open(self, asked)

    monkeypatch.setattr(ForwardMsgQueue, "enqueue", watched)
    monkeypatch.setattr(Local, "open", slowly)
    opened = {"yet": False}
    monkeypatch.setattr(Local, "is_open", lambda self, asked: opened["yet"])
    app = open_page(name, model=model)
    assert not app.exception and len(opening) == 1
    (told,) = opening[0]
    card = engine().card(model)
    assert told.text == f"Opening {card.title}: {card.parameters / 1e6:,.1f} million parameters"
    assert told.show_time
    opened["yet"] = True
    app.run()
    assert len(opening) == 1  # what is open is neither opened nor announced again
