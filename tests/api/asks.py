"""Short ways to ask the API and to read its refusals."""


async def get(client, path, **query):
    """The answer's JSON; a trailing underscore keeps `from_` a Python name."""
    response = await client.get(
        f"/api/v1/{path}", params={key.rstrip("_"): one for key, one in query.items()}
    )
    assert response.status_code == 200, response.text
    return response.json()


async def refused(client, path, status, **query):
    """The problem that answers a bad request."""
    response = await client.get(
        f"/api/v1/{path}", params={key.rstrip("_"): one for key, one in query.items()}
    )
    return problem(response, status)


def problem(response, status):
    """The problem in a response, checked for its form."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found = response.json()
    assert found["status"] == status
    assert found["type"].startswith("urn:wattline:problem:")
    assert found["title"]
    assert found["detail"]
    for error in found.get("errors", []):
        assert set(error) == {"field", "value", "fix"}
        assert error["fix"]
    assert "Traceback" not in response.text
    assert ".py" not in response.text
    return found


def fixes_of(found):
    """Field -> fix of a problem."""
    return {error["field"]: error["fix"] for error in found["errors"]}
