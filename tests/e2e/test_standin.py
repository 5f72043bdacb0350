"""turbonav-standin: every route, every refusal, every fault, and how it keeps connections."""
import base64
import re
import signal
import socket
import statistics
import subprocess
import threading
import time

import pytest

from standin import Standin, binary

# 160 x 112 pixels each, painted: brown walls and a grey floor ahead, nowhere, left, right.
OPEN = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywt"
    "QFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09P"
    "T09PT09PT09PT09PT09PT09PT0//wAARCABwAKADASIAAhEBAxEB/8QAGgABAAIDAQAAAAAAAAAAAAAAAAECBAUGA//E"
    "ADAQAAIBAwICCAYCAwAAAAAAAAABAgMEEQVBITESFBYyUVNx0RMiVKKj4ULBYaGx/8QAGAEBAQEBAQAAAAAAAAAAAAAA"
    "AAQCAwH/xAAfEQACAwEAAwADAAAAAAAAAAAAAQIDESESIjFBYXH/2gAMAwEAAhEDEQA/AN3pur4xRu5cP41H/fubtNNZ"
    "TymcUbHTdUna4p1czo/7j6EdV+ckVWU72J0gK06kKtNVKclKMllNFiwlAAAAAAAAAAAAAAAAAAABDajFyk0kuLb2AJNT"
    "qWrKlmjatSqbz2j+zG1LVnV6VG2bUOTnvL0/wakktv8AxEpqp/MgACUqMqxvqtnUzD5oPvQfJnS2tzSuqXxKMsrdPmvU"
    "5A9ba4q21VVKMsPfwfqdqrnDj+HGypS6vp2AMSwv6V5Dh8tRd6D/AOoyy5NSWojaaeMAA9PAAAAAAAAAAAY95eUrOl06"
    "j4vuxXNnjaS1nqTbxHrWrU6FJ1KslGK3Zzeo6lUvJOEcworlHx9TxvLyreVOlUfBd2K5IxyK25y4vhXXSo9f0AA4HcAA"
    "AAAAtCcqc1OEnGS4po6DTdVjcYpV8Rq8k9pfs50G67HB8MTrU107UGk03V8Yo3cuH8aj/v3N2mmsp5TL4TU1qIZwcXjA"
    "ANmQAAAAanUtWVLNG1alU3ntH9mZTUVrNRi5PEZGoalTs04RxOs1wj4epzlatUr1HUqycpPcpKTlJyk25N5be5BBZa5s"
    "trrUEAAczoAAAAAAAAAAAABX1a/s6dOnbXDhHjwcU/DxQMa8oVa3Q+HHOM544N175cMWZ49LdodW+r/HD2HaHVvq/wAc"
    "PYw+pXPl/ch1K58v7kU+/wCyf0MztDq31f44ew7Q6t9X+OHsYfUrny/uQ6lc+X9yHv8AsehsrbWtRuZTpVrlyg48UoxW"
    "63SJMOztq1Kq5VIYXRxzRmE9u70715nAADmdAAAAAAAAAAAAAAXjHdm4Qc3iMTmorWRGOeZcAurrUFwinY5voAB0MAAA"
    "ArKO6LAxOCmsZuE3B6jyBeUc8ihBOtwfS2E1NcAAMGwAAAAAAOZKWS6WDrXU5/w5WWqH9EY49SQC6MVFYiOUnJ6wADRk"
    "AAAAAAAAAEOOSQeSipLGeptPUebWCD1ayebWCG2lw6vhZXap8f0gAHE7AlLJMY55lyiqjy7L4cLLvHkfoSxyABalnERt"
    "6AAAAAAAAAAAAAAAAAAAAAUccehU9Sso7ojtozsSuq7eSP/Z"
)
WALL = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywt"
    "QFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09P"
    "T09PT09PT09PT09PT09PT09PT0//wAARCABwAKADASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAH/xAAUEAEA"
    "AAAAAAAAAAAAAAAAAAAA/8QAFQEBAQAAAAAAAAAAAAAAAAAAAAX/xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIR"
    "AxEAPwCgJSmAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA//Z"
)
LEFT = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywt"
    "QFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09P"
    "T09PT09PT09PT09PT09PT09PT0//wAARCABwAKADASIAAhEBAxEB/8QAFwABAQEBAAAAAAAAAAAAAAAAAAIBA//EABsQ"
    "AQACAwEBAAAAAAAAAAAAAAABMQIRElFh/8QAGQEBAAIDAAAAAAAAAAAAAAAAAAIFAQME/8QAGhEBAQEAAwEAAAAAAAAA"
    "AAAAAAECAzEyEv/aAAwDAQACEQMRAD8A0BVLMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAG6nxjNlnbEsvQAwyAAAAAAAAAAAAAAAA6gLVWM1HhzDRC4ze4lN6nVTx9ZxKxC8GKnObcc5jVsVnaXFvPzqyOzF+s"
    "y0ARSAAAAAAAAAAdQFqrAAAAEZ2lWdpV3L7rv4vEAGtsAAAAAAAAAAdQFqrAAAAEZ2lWdpV3L7rv4vEAGtsAAAAAAAAA"
    "Af/Z"
)
RIGHT = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywt"
    "QFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09P"
    "T09PT09PT09PT09PT09PT09PT0//wAARCABwAKADASIAAhEBAxEB/8QAFwABAQEBAAAAAAAAAAAAAAAAAAEDAv/EABsQ"
    "AQEAAwEBAQAAAAAAAAAAAAABAhIyEVFh/8QAGAEBAQEBAQAAAAAAAAAAAAAAAAIFAQT/xAAbEQEBAQADAQEAAAAAAAAA"
    "AAAAAQIDMTIRQf/aAAwDAQACEQMRAD8AoDKaYAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAC+X47Jb05bJ2gDjoAAAAAAAAAAsnqLj1FZn3UidX5LV1q6froe2cGI8d591NYaz4ouceZ1E"
    "Xer+gC0sgGU0wAAAAAAAAABceoi49RXH7id+a0AabOAAAAZAMppgAAAAAAAAAC49RFx6iuP3E781oA02cAAAA//Z"
)
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAABGdBTUEAALGPC/xhBQAAAAJiS0dEAP+Hj8y/AAAAB3RJ"
    "TUUH6gsXEhYo95qmQAAAABBJREFUCNdjrGOAACYGihgAJXoAjkPvg3sAAAAldEVYdGRhdGU6Y3JlYXRlADIwMjYtMTEt"
    "MjNUMTg6MjI6NDArMDA6MDAuw/ZEAAAAJXRFWHRkYXRlOm1vZGlmeQAyMDI2LTExLTIzVDE4OjIyOjQwKzAwOjAwX55O"
    "+AAAAABJRU5ErkJggg=="
)

ACTIONS = ["stop", "forward", "left", "right", "backward"]
PERCEPTS = ["none", "left", "center", "right"]
SYSTEM = ("You steer a small car. " * 40) + "\nAnswer one word: forward, left, right, backward, stop."
NO_THINKING = {"enable_thinking": False}


def messages(picture=OPEN, system=SYSTEM, text="Command:"):
    return [
        {"role": "system", "content": system},
        {"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64," + picture}},
            {"type": "text", "text": text}]},
    ]


def chat(picture=OPEN, **fields):
    return {"messages": messages(picture), "max_tokens": 1,
            "chat_template_kwargs": NO_THINKING} | fields


def word_ids(server, words):
    tokens = [server.post("/tokenize", {"content": word}).json["tokens"] for word in words]
    assert all(len(ids) == 1 for ids in tokens)
    return [ids[0] for ids in tokens]


def template(server, **fields):
    answer = server.post("/apply-template", {"messages": messages(), **fields})
    assert answer.status == 200
    return answer.json["prompt"]


def completion(server, picture=OPEN, words=ACTIONS, **fields):
    """A body as the client sends it: the words biased, probabilities after sampling."""
    return {
        "n_predict": 1, "samplers": ["top_k"], "top_k": len(words), "n_probs": len(words),
        "post_sampling_probs": True, "cache_prompt": True, "id_slot": 0,
        "logit_bias": [[number, 100] for number in word_ids(server, words)],
        "response_fields": ["content", "stop_type", "timings", "completion_probabilities"],
        "prompt": {"prompt_string": template(server, chat_template_kwargs=NO_THINKING),
                   "multimodal_data": [picture]},
    } | fields


def top(answer):
    return answer.json["completion_probabilities"][0]["top_probs"]


def resized(picture, width, height):
    """The JPEG with another size in its header; its scan then ends early, which is accepted."""
    data = bytearray(base64.b64decode(picture))
    at = data.index(b"\xff\xc0")
    data[at + 5:at + 9] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return base64.b64encode(data).decode()


@pytest.fixture(name="server", scope="module")
def server_fixture():
    with Standin("--seed", "1") as server:
        yield server


# --- routes ---

def test_health_is_ok(server):
    answer = server.get("/health")
    assert (answer.status, answer.json) == (200, {"status": "ok"})


def test_props_tell_vision_slots_marker_and_context(server):
    props = server.get("/props").json
    assert props["modalities"]["vision"] is True
    assert props["total_slots"] == 1
    assert props["default_generation_settings"]["n_ctx"] == 4096
    assert re.fullmatch(r"<__media_[0-9a-f]+__>", props["media_marker"])
    assert "standin" in props["build_info"]
    assert "n_ctx" not in props


def test_models_tell_name_and_capabilities(server):
    for path in ("/v1/models", "/models"):
        models = server.get(path).json
        assert models["models"][0]["capabilities"] == ["completion", "multimodal"]
        assert models["data"][0]["id"] == "gemma-4-standin"
        assert models["data"][0]["owned_by"] == "llamacpp"


def test_no_vision_is_told_and_refuses_pictures():
    with Standin("--no-vision") as server:
        assert server.get("/props").json["modalities"]["vision"] is False
        assert server.get("/v1/models").json["models"][0]["capabilities"] == ["completion"]
        answers = [server.post("/v1/chat/completions", chat()),
                   server.post("/apply-template", {"messages": messages()}),
                   server.post("/completion", {"prompt": {"prompt_string": "x",
                                                          "multimodal_data": [OPEN]}})]
        for answer in answers:
            assert answer.status == 500
            assert answer.error["type"] == "server_error"
            assert answer.error["message"].startswith("image input is not supported - hint:")


def test_each_word_is_one_token_only_by_itself(server):
    def pieces(text):
        return [token["piece"] for token in server.post("/tokenize", {
            "content": text, "add_special": False, "parse_special": False,
            "with_pieces": True}).json["tokens"]]

    for word in sorted(set(ACTIONS + PERCEPTS)):
        assert pieces(word) == [word]
    assert pieces("Forwards, now\n") == ["Forward", "s", ",", " now", "\n"]
    spaced = server.post("/tokenize", {"content": " left"}).json["tokens"]
    assert spaced != word_ids(server, ["left"])


def test_split_word_is_two_tokens():
    with Standin("--split", "backward") as server:
        tokens = server.post("/tokenize", {"content": "backward", "with_pieces": True}).json
        assert [token["piece"] for token in tokens["tokens"]] == ["back", "ward"]


def test_prose_is_about_four_and_a_half_bytes_a_token(server):
    prompt = ("The car is low above the floor. Say which way is open, and stop when a person, "
              "furniture or a closed door stands near in front of the camera. ") * 15
    tokens = server.post("/tokenize", {"content": prompt}).json["tokens"]
    assert 4 < len(prompt) / len(tokens) < 5.5


def test_template_has_the_turns_in_order(server):
    marker = server.get("/props").json["media_marker"]
    prompt = template(server, chat_template_kwargs=NO_THINKING)
    assert prompt == (f"<|turn>system\n{SYSTEM}<turn|>\n"
                      f"<|turn>user\n{marker}Command:<turn|>\n<|turn>model\n")


def test_template_thinks_unless_told_not_to(server):
    assert "<|think|>" in template(server)
    assert "<|think|>" in template(server, chat_template_kwargs=None)
    assert "<|think|>" not in template(server, chat_template_kwargs=NO_THINKING)
    bare = server.post("/apply-template", {"messages": [{"role": "user", "content": " hi "}]})
    assert bare.json["prompt"] == ("<|turn>system\n<|think|><turn|>\n"
                                   "<|turn>user\nhi<turn|>\n<|turn>model\n")


def test_thinking_always_cannot_be_switched_off():
    with Standin("--thinking", "always") as server:
        assert "<|think|>" in template(server, chat_template_kwargs=NO_THINKING)


def test_text_parts_are_joined_by_line_feeds(server):
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    prompt = server.post("/apply-template", {
        "messages": [{"role": "user", "content": parts}],
        "chat_template_kwargs": NO_THINKING}).json["prompt"]
    assert prompt == "<|turn>user\none\ntwo<turn|>\n<|turn>model\n"


@pytest.mark.parametrize("size, tokens", [
    ((480, 336), 70), ((480, 384), 80), ((672, 480), 140), ((320, 240), 70), ((1920, 1080), 920)])
def test_picture_tokens_follow_its_size(server, size, tokens):
    def count(picture):
        return server.post("/v1/chat/completions/input_tokens",
                           {"messages": messages(picture)}).json["input_tokens"]

    text = server.post("/v1/chat/completions/input_tokens",
                       {"messages": [messages()[0], {"role": "user", "content": "Command:"}]})
    assert count(resized(OPEN, *size)) == text.json["input_tokens"] + tokens


def test_picture_token_limits_are_options():
    with Standin("--image-min-tokens", "40", "--image-max-tokens", "50") as server:
        def count(picture):
            return server.post("/v1/chat/completions/input_tokens",
                               {"messages": messages(picture)}).json["input_tokens"]
        base = count(OPEN) - 40
        assert count(resized(OPEN, 384, 288)) == base + 48
        assert count(resized(OPEN, 672, 480)) == base + 50


# --- answers ---

@pytest.mark.parametrize("picture, action, percept", [
    (OPEN, "forward", "center"), (WALL, "backward", "none"),
    (LEFT, "left", "left"), (RIGHT, "right", "right")])
def test_answer_comes_from_the_picture(server, picture, action, percept):
    answer = server.post("/completion", completion(server, picture))
    assert answer.status == 200
    assert top(answer)[0]["token"] == action
    answer = server.post("/completion", completion(server, picture, PERCEPTS))
    assert top(answer)[0]["token"] == percept


def test_top_probs_are_the_candidates_sorted_with_sum_one(server):
    answer = server.post("/completion", completion(server))
    assert set(answer.json) == {"content", "stop_type", "timings", "completion_probabilities"}
    assert answer.json["stop_type"] == "limit"
    probs = [entry["prob"] for entry in top(answer)]
    assert {entry["token"] for entry in top(answer)} == set(ACTIONS)
    assert probs == sorted(probs, reverse=True)
    assert sum(probs) == pytest.approx(1)
    assert top(answer)[0]["bytes"] == list(top(answer)[0]["token"].encode())


def test_content_is_drawn_at_random_from_them(server):
    body = completion(server, LEFT, samplers=["top_k", "temperature"], temperature=20)
    words = {server.post("/completion", body).json["content"] for _ in range(60)}
    assert len(words) >= 3 and words <= set(ACTIONS)


@pytest.mark.parametrize("greedy", [{"top_k": 1}, {"samplers": None, "temperature": 0}])
def test_greedy_takes_the_first(server, greedy):
    body = completion(server, LEFT, **greedy)
    assert {server.post("/completion", body).json["content"] for _ in range(20)} == {"left"}


def test_same_seed_draws_the_same(server):
    body = completion(server, samplers=["temperature"], temperature=50, seed=7)
    assert len({server.post("/completion", body).json["content"] for _ in range(10)}) == 1


def test_chat_tells_the_same_probabilities(server):
    ids = word_ids(server, ACTIONS)
    answer = server.post("/v1/chat/completions", chat(
        logprobs=True, top_logprobs=5, post_sampling_probs=True, samplers=["top_k"], top_k=5,
        logit_bias={str(number): 100 for number in ids}))
    content = answer.json["choices"][0]["logprobs"]["content"][0]
    assert content["top_probs"][0]["token"] == "forward"
    assert sum(entry["prob"] for entry in content["top_probs"]) == pytest.approx(1)
    assert answer.json["choices"][0]["finish_reason"] == "length"
    assert answer.json["usage"]["completion_tokens"] == 1


def test_without_post_sampling_they_are_logprobs(server):
    content = server.post("/v1/chat/completions", chat(
        logprobs=True, top_logprobs=2)).json["choices"][0]["logprobs"]["content"][0]
    assert content["top_logprobs"][0]["token"] == "forward"
    assert content["top_logprobs"][0]["logprob"] <= 0
    assert len(content["top_logprobs"]) == 2


def test_without_bias_it_takes_the_words_of_the_last_system_line(server):
    answer = server.post("/v1/chat/completions", chat(max_tokens=4, top_k=1)).json
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "forward"}
    assert answer["choices"][0]["finish_reason"] == "stop"
    percept = chat(max_tokens=4, top_k=1)
    percept["messages"] = messages(system="Look.\nOne of left, center, right, none.\n")
    answer = server.post("/v1/chat/completions", percept).json
    assert answer["choices"][0]["message"]["content"] == "center"


def test_biased_text_biases_every_piece_and_false_bans(server):
    body = completion(server, logit_bias=[["left", 100], ["right", 100], ["left", False]])
    assert [entry["token"] for entry in top(server.post("/completion", body))] == ["right"]
    body = completion(server, logit_bias=[["sideways", 100]], n_probs=9, top_k=9)
    assert {entry["token"] for entry in top(server.post("/completion", body))} == {"sideway", "s"}


def test_biased_answer_goes_on_to_the_limit(server):
    body = completion(server, n_predict=3, top_k=1)
    answer = server.post("/completion", body)
    assert answer.json["content"] == "forwardforwardforward"
    assert answer.json["timings"]["predicted_n"] == 3


def test_max_tokens_has_its_aliases(server):
    for name in ("n_predict", "max_completion_tokens", "max_tokens"):
        body = completion(server, top_k=1, response_fields=None)
        del body["n_predict"]
        answer = server.post("/completion", body | {name: 2})
        assert answer.json["tokens_predicted"] == 2


def test_thinking_leaves_the_content_empty(server):
    body = chat(max_tokens=4)
    del body["chat_template_kwargs"]
    message = server.post("/v1/chat/completions", body).json["choices"][0]["message"]
    assert message["content"] == ""
    assert message["reasoning_content"] == "The user wants one"
    message = server.post("/v1/chat/completions", body | {"reasoning_format": "none"}).json
    assert message["choices"][0]["message"]["content"] == "The user wants one"


def test_completion_of_a_thinking_prompt_answers_a_thought(server):
    body = completion(server)
    body["prompt"]["prompt_string"] = template(server)
    assert server.post("/completion", body).json["content"] == "The"


def test_response_fields_reach_into_objects(server):
    answer = server.post("/completion", completion(
        server, response_fields=["content", "timings/cache_n", "no/such"]))
    assert set(answer.json) == {"content", "timings/cache_n"}


# --- the cache ---

def test_cache_keeps_the_text_before_a_new_picture():
    with Standin() as server:
        first = server.post("/completion", completion(server)).json["timings"]
        again = server.post("/completion", completion(server)).json["timings"]
        changed = server.post("/completion", completion(server, WALL)).json["timings"]
        total = first["prompt_n"]
        assert first["cache_n"] == 0
        assert (again["cache_n"], again["prompt_n"]) == (total - 1, 1)
        assert changed["cache_n"] + changed["prompt_n"] == total
        assert 70 < changed["prompt_n"] < 90


def test_both_paths_share_the_cache():
    with Standin() as server:
        first = server.post("/completion", completion(server)).json["timings"]
        second = server.post("/v1/chat/completions", chat()).json
        assert second["timings"]["prompt_n"] == 1
        assert second["usage"]["prompt_tokens_details"]["cached_tokens"] == first["prompt_n"] - 1


def test_cache_prompt_false_computes_all(server):
    body = completion(server, cache_prompt=False)
    server.post("/completion", body)
    assert server.post("/completion", body).json["timings"]["cache_n"] == 0


# --- refusals ---

def refused(answer, status, kind, message):
    assert answer.status == status, answer.body
    assert answer.headers["connection"] == "close"
    assert answer.error["code"] == status
    assert answer.error["type"] == kind
    assert message in answer.error["message"]


def test_unknown_route_is_404(server):
    refused(server.get("/nope"), 404, "not_found_error", "File Not Found")
    refused(server.get("/completion"), 404, "not_found_error", "File Not Found")
    refused(server.post("/health", {}), 404, "not_found_error", "File Not Found")


@pytest.mark.parametrize("body", [b"", b"{", b"{} x", b'{"a":1'])
def test_malformed_json_is_500(server, body):
    refused(server.post("/completion", body), 500, "server_error", "parse error")


@pytest.mark.parametrize("fields, message", [
    ({"chat_template_kwargs": {"enable_thinking": "false"}},
     'invalid type for "enable_thinking" (expected boolean, got string)'),
    ({"messages": None}, "Expected 'messages' to be an array"),
    ({"messages": [{"role": "user"}]}, "must contain 'content'"),
    ({"messages": [{"role": "user", "content": 3}]}, "Expected 'content' to be a string"),
    ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "unsupported content"),
    ({"max_tokens": "one"}, "Field 'max_tokens': [json.exception.type_error.302] type must be "
                            "number, but is string"),
    ({"temperature": []}, "type must be number, but is array"),
    ({"cache_prompt": 1}, "type must be boolean, but is number"),
    ({"max_tokens": -2}, "Value must be between -1 <= value"),
    ({"top_logprobs": 5}, "top_logprobs requires logprobs to be set to true"),
    ({"grammar": "left | right"}, "failed to parse grammar")])
def test_wrong_chat_fields_are_400(server, fields, message):
    refused(server.post("/v1/chat/completions", chat(**fields)), 400, "invalid_request_error",
            message)


def test_missing_messages_and_prompt_are_400(server):
    refused(server.post("/v1/chat/completions", {}), 400, "invalid_request_error",
            "'messages' is required")
    refused(server.post("/completion", {}), 400, "invalid_request_error", "'prompt' not found")
    refused(server.post("/completion", {"prompt": 3}), 400, "invalid_request_error", '"prompt"')


@pytest.mark.parametrize("url, message", [
    ("data:image/jpeg;base64", "Invalid url value"),
    ("data:image/jpeg;base64,AA,AA", "Invalid url value"),
    ("data:image/jpeg;base64,", "Invalid url value"),
    ("data:text/plain;base64,AAAA", "Invalid url format"),
    ("data:image/jpeg;base32,AAAA", "url must be base64 encoded"),
    ("http://127.0.0.1:1/a.jpg", "Failed to download image")])
def test_bad_data_uri_is_500(server, url, message):
    body = chat()
    body["messages"][1]["content"][0]["image_url"]["url"] = url
    refused(server.post("/v1/chat/completions", body), 500, "server_error", message)


@pytest.mark.parametrize("picture", ["AAAA", "!" + OPEN, OPEN[:40], OPEN[:8] + "-" + OPEN[8:], PNG])
def test_undecodable_picture_is_400(server, picture):
    for path, body in (("/v1/chat/completions", chat(picture)),
                       ("/completion", completion(server, picture))):
        if picture[0] == "!" and path != "/completion":
            continue  # empty base64 in a data: URI has a refusal of its own
        refused(server.post(path, body), 400, "invalid_request_error",
                "Failed to load image or audio file")


def test_jpeg_cut_off_in_its_scan_is_answered(server):
    data = base64.b64decode(OPEN)
    cut = base64.b64encode(data[:len(data) * 8 // 10]).decode()
    answer = server.post("/completion", completion(server, cut))
    assert answer.status == 200
    assert answer.json["content"] in ACTIONS


def test_base64_ends_at_the_first_foreign_character(server):
    at = len(OPEN) * 8 // 10
    assert server.post("/completion", completion(server, OPEN[:at] + "-" + OPEN[at:])).status == 200


def test_bare_base64_is_a_picture(server):
    body = chat(top_k=1)
    body["messages"][1]["content"][0]["image_url"]["url"] = OPEN
    answer = server.post("/v1/chat/completions", body)
    assert answer.json["choices"][0]["message"]["content"] == "forward"


def test_markers_must_match_the_pictures(server):
    for pictures in ([], [OPEN, OPEN]):
        body = completion(server)
        body["prompt"]["multimodal_data"] = pictures
        refused(server.post("/completion", body), 400, "invalid_request_error",
                "Failed to tokenize prompt")


def test_prompt_beyond_the_context_is_400_with_numbers():
    with Standin("--context", "64") as server:
        answer = server.post("/v1/chat/completions", chat())
        refused(answer, 400, "exceed_context_size_error", "exceeds the available context size")
        assert answer.error["n_ctx"] == 64
        assert answer.error["n_prompt_tokens"] > 64


def test_null_is_absent_and_unknown_fields_are_ignored(server):
    answer = server.post("/v1/chat/completions", chat(
        temperature=None, stream=None, top_logprobs=None, nonsense={"a": [1]}))
    assert answer.status == 200


def test_streaming_is_refused_by_name(server):
    refused(server.post("/v1/chat/completions", chat(stream=True)), 501, "not_supported_error",
            "does not stream")


def test_compressed_body_is_415_and_huge_body_413(server):
    answer = server.request("POST", "/completion", b"{}", {"Content-Encoding": "gzip"})
    assert (answer.status, answer.body, answer.headers["connection"]) == (415, b"", "close")
    connection = server.connect()
    connection.putrequest("POST", "/completion")
    connection.putheader("Content-Length", str((100 << 20) + 1))
    connection.endheaders()
    response = connection.getresponse()
    assert (response.status, response.read()) == (413, b"")


def test_everything_is_503_while_loading():
    with Standin("--loading", "3000") as server:
        for answer in (server.get("/health"), server.get("/nope"),
                       server.post("/completion", {})):
            refused(answer, 503, "unavailable_error", "Loading model")
        time.sleep(3)
        assert server.get("/health").status == 200


# --- connections ---

def test_connection_ends_with_its_hundredth_answer(server):
    connection = server.connect()
    connection.connect()
    own = connection.sock.getsockname()
    for number in range(1, 101):
        answer = server.get("/health", connection=connection)
        assert answer.status == 200
        if number < 100:
            assert connection.sock.getsockname() == own
            assert answer.headers["keep-alive"] == "timeout=5, max=100"
            assert "connection" not in answer.headers
    assert answer.headers["connection"] == "close"
    assert "keep-alive" not in answer.headers


def test_idle_connection_closes_after_five_seconds(server):
    connection = server.connect()
    server.get("/health", connection=connection)
    start = time.monotonic()
    assert connection.sock.recv(1) == b""
    assert 4 < time.monotonic() - start < 7


def test_chunked_body_is_read(server):
    connection = server.connect()
    connection.request("POST", "/tokenize", iter([b'{"content":', b'"left"}']),
                       encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert connection.getresponse().status == 200


@pytest.mark.real_time
def test_questions_queue_in_order_and_health_does_not():
    with Standin("--service", "500") as server:
        done = []

        def ask(number):
            assert server.post("/v1/chat/completions", chat()).status == 200
            done.append((number, time.monotonic()))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
        start = time.monotonic()
        for thread in threads:
            thread.start()
            time.sleep(0.1)  # it is not told when one of them is in the queue
        assert server.get("/health").status == 200
        assert done == []
        for thread in threads:
            thread.join()
        assert [number for number, _ in done] == [0, 1, 2]
        for number, finished in done:
            assert finished - start == pytest.approx(0.5 * (number + 1), abs=0.1)


@pytest.mark.real_time
def test_service_time_is_kept():
    with Standin("--service", "18.4") as server:
        body, connection, times = completion(server), server.connect(), []
        for _ in range(40):
            start = time.monotonic()
            answer = server.post("/completion", body, connection=connection)
            times.append(1e3 * (time.monotonic() - start))
        assert min(times) >= 18.4
        assert statistics.median(times) < 25
        assert 9 < answer.json["timings"]["prompt_ms"] <= 18.4


def threads_of(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"Threads:\s*(\d+)", status.read())[1])


def test_memory_does_not_grow_with_requests():
    with Standin() as server:
        body = completion(server)

        def ask(count):
            for _ in range(count // 100):
                connection = server.connect()
                for _ in range(100):
                    assert server.post("/completion", body, connection=connection).status == 200
                connection.close()
            with open(f"/proc/{server.process.pid}/statm", encoding="ascii") as statm:
                return int(statm.read().split()[1]) * 4096

        before = ask(1000)
        after = ask(1000)
        if "SAN_OPTIONS" not in "".join(__import__("os").environ):
            assert after - before < 1 << 20
        end = time.monotonic() + 5
        while threads_of(server) > 4:  # that of a connection ends soon after it
            assert time.monotonic() < end, threads_of(server)
            time.sleep(0.05)


# --- faults ---

def faulty(server, path="/completion"):
    body = completion(server) if path == "/completion" else chat()
    return server.post(path, body, timeout=30)


@pytest.mark.parametrize("kind, status", [("http-500", 500), ("http-503", 503)])
def test_fault_status(kind, status):
    with Standin("--fault", kind) as server:
        answer = faulty(server)
        assert answer.status == status
        assert answer.error["message"] == "injected fault"
        assert answer.headers["connection"] == "close"
        assert server.get("/health").status == 200


def test_fault_hang_holds_until_the_client_leaves():
    with Standin("--fault", "hang@1") as server:
        body = completion(server)
        connection = server.connect(timeout=0.5)
        with pytest.raises(socket.timeout):
            server.post("/completion", body, connection=connection)
        connection.close()
        assert server.post("/completion", body, timeout=5).status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_at_once_even_while_hanging(number):
    server = Standin("--fault", "hang@1", "--service", "1")
    body = completion(server)
    threads = [threading.Thread(target=lambda: pytest.raises(Exception, server.post, "/completion",
                                                             body)) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    start = time.monotonic()
    code, out, error = server.stop(number)
    assert (code, out) == (0, ""), error
    assert time.monotonic() - start < 4  # an idle connection would be closed after five
    for thread in threads:
        thread.join()


@pytest.mark.real_time
def test_fault_slow_body_comes_byte_by_byte():
    with Standin("--fault", "slow-body") as server:
        connection = server.connect()
        connection.request("POST", "/completion", b'{"prompt":"x"}')
        response = connection.getresponse()
        start = time.monotonic()
        assert len(response.read(5)) == 5
        assert 0.35 < time.monotonic() - start < 1
        connection.close()


def test_fault_cut_ends_the_connection_in_the_body():
    with Standin("--fault", "cut") as server:
        body = completion(server)
        connection = server.connect()
        connection.request("POST", "/completion", __import__("json").dumps(body))
        response = connection.getresponse()
        length = int(response.headers["Content-Length"])
        with pytest.raises(Exception) as caught:
            response.read()
        assert len(caught.value.partial) == length // 2


def test_fault_bodies_that_are_not_json():
    for kind in ("garbage", "truncated"):
        with Standin("--fault", kind) as server:
            answer = faulty(server)
            assert answer.status == 200
            assert int(answer.headers["content-length"]) == len(answer.body)
            with pytest.raises(ValueError):
                assert answer.json


def test_fault_huge_and_deep():
    with Standin("--fault", "huge@1", "--fault", "deep@2") as server:
        assert len(faulty(server).json["content"]) > 2_000_000
        assert faulty(server).body == b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize("kind, words", [
    ("unknown-word", "sideways"), ("several-words", "forward left"), ("always=left", "left")])
def test_fault_words_are_in_content_and_probabilities(kind, words):
    with Standin("--fault", kind) as server:
        answer = faulty(server)
        assert answer.json["content"] == words
        assert top(answer)[0]["token"] == words.split()[0]
        assert sum(entry["prob"] for entry in top(answer)) == pytest.approx(1)
        message = faulty(server, "/v1/chat/completions").json["choices"][0]["message"]
        assert message == {"role": "assistant", "content": words}


def test_fault_empty_and_reasoning_leave_no_content():
    with Standin("--fault", "empty@1", "--fault", "reasoning@2") as server:
        message = faulty(server, "/v1/chat/completions").json["choices"][0]["message"]
        assert message == {"role": "assistant", "content": ""}
        message = faulty(server, "/v1/chat/completions").json["choices"][0]["message"]
        assert message["content"] == "" and message["reasoning_content"]


def test_fault_only_hits_the_questions_it_names():
    with Standin("--fault", "http-500@2", "--fault", "http-503/3") as server:
        assert [faulty(server).status for _ in range(6)] == [200, 500, 503, 200, 200, 503]


# --- the other flavour ---

@pytest.fixture(name="vllm", scope="module")
def vllm_fixture():
    with Standin("--flavour", "openai", "--model", "gemma") as server:
        yield server


def test_openai_surface(vllm):
    health = vllm.get("/health")
    assert (health.status, health.body) == (200, b"")
    model = vllm.get("/v1/models").json["data"][0]
    assert (model["id"], model["max_model_len"], model["owned_by"]) == ("gemma", 4096, "vllm")
    for answer in (vllm.get("/props"), vllm.post("/completion", {"prompt": "x"}),
                   vllm.post("/apply-template", {"messages": []}),
                   vllm.post("/tokenize", {"content": "left"})):
        assert answer.status == 404
    tokens = vllm.post("/tokenize", {"model": "gemma", "prompt": "left",
                                     "add_special_tokens": False}).json
    assert tokens["count"] == 1


def test_openai_choice_is_respected_and_guided_choice_ignored(vllm):
    body = {"model": "gemma", "messages": messages(system="Look."), "max_tokens": 8,
            "temperature": 0, "logprobs": True, "top_logprobs": 4}
    answer = vllm.post("/v1/chat/completions", body | {
        "structured_outputs": {"choice": PERCEPTS}}).json
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "center",
                                               "reasoning": None}
    assert "timings" not in answer and "stop_reason" in answer["choices"][0]
    content = answer["choices"][0]["logprobs"]["content"][0]
    assert set(content) == {"token", "logprob", "bytes", "top_logprobs"}
    answer = vllm.post("/v1/chat/completions", body | {"guided_choice": PERCEPTS})
    assert answer.status == 200
    assert answer.json["choices"][0]["message"]["content"] not in PERCEPTS


def test_openai_thought_is_in_reasoning(vllm):
    body = {"messages": messages(), "max_tokens": 4, "chat_template_kwargs":
            {"enable_thinking": True}}
    message = vllm.post("/v1/chat/completions", body).json["choices"][0]["message"]
    assert message["content"] == "" and message["reasoning"].startswith("The user")


def test_openai_refuses_an_unknown_model_and_keeps_the_connection(vllm):
    connection = vllm.connect()
    answer = vllm.post("/v1/chat/completions", {"model": "other", "messages": messages()},
                       connection=connection)
    assert answer.status == 404 and answer.error["type"] == "NotFoundError"
    assert "connection" not in answer.headers
    for _ in range(120):
        assert "connection" not in vllm.get("/health", connection=connection).headers


# --- the command line ---

def run(*options):
    return subprocess.run([binary(), *options], capture_output=True, text=True, timeout=10,
                          check=False)


@pytest.mark.parametrize("options", [
    ["--service", "fast"], ["--service", "-1"], ["--listen", "8080"], ["--listen", "host:1"],
    ["--fault", "flood"], ["--fault", "cut@0"], ["--fault", "cut/x"], ["--fault", "always"],
    ["--fault", "cut=left"], ["--split", "word"], ["--flavour", "vanilla"], ["--context", "0"],
    ["--thinking", "never"], ["--seed", "x"], ["--no-such"], ["extra"], ["--model", ""],
    ["--image-min-tokens", "90", "--image-max-tokens", "80"]])
def test_wrong_options_are_one_line_and_64(options):
    result = run(*options)
    assert result.returncode == 64
    assert result.stdout == "" and result.stderr.count("\n") == 1


def test_help_says_that_it_is_no_model():
    result = run("--help")
    assert result.returncode == 0 and "NOT a model" in result.stdout
    assert run("--version").stdout.startswith("turbonav-standin ")


def test_taken_port_is_71():
    with Standin() as server:
        result = run("--listen", f"127.0.0.1:{server.port}")
        assert result.returncode == 71 and "cannot listen" in result.stderr


def test_log_is_one_line_a_question():
    server = Standin("--log")
    for _ in range(2):
        faulty(server)
    _, _, error = server.stop()
    assert len(re.findall(r"question \d+: ", error)) == error.count("\n") == 2
