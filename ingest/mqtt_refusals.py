"""Why a broker can't be used, in words that say what to change."""

import ssl
from collections.abc import Sequence

import mqtt5

_ACCOUNT = "check broker.username, broker.password_file and the accounts of the broker"
_REFUSED = {
    mqtt5.ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD.name: f"refused the user name or password: {_ACCOUNT}",
    # mosquitto 2.0 says so of a wrong password too.
    mqtt5.ConnAckReasonCode.NOT_AUTHORIZED.name: f"does not authorise us: {_ACCOUNT}",
    mqtt5.ConnAckReasonCode.CLIENT_ID_NOT_VALID.name: "refused our client id: correct broker.client_id",
}
_NO_ANSWER = "closed the connection without an answer: does it expect TLS (broker.tls)? does it speak MQTT 5?"
_NO_ANSWER_TLS = (
    "closed the connection without an answer: does it want a client certificate (broker.certificate_file)? "
    "does it speak TLS on this port (broker.port, broker.tls)?"
)
_OTHER_NAME = "shows a certificate for another name than {host}: correct broker.host or the certificate"
_CERTIFICATE = {  # X509_V_ERR_*, as OpenSSL numbers them
    10: "shows a certificate that has expired: renew it",
    62: _OTHER_NAME,
    64: _OTHER_NAME,
}
_NOT_TLS = "does not speak TLS on this port ({reason}): correct broker.port or broker.tls"
_TLS = {  # parts of OpenSSL's reasons
    "CERTIFICATE_REQUIRED": "wants a client certificate: set broker.certificate_file and broker.key_file",
    "ALERT": "refused our certificate ({reason}): correct broker.certificate_file",
    "WRONG_VERSION_NUMBER": _NOT_TLS,
    "RECORD_LAYER_FAILURE": _NOT_TLS,
}


# The codec's enumerations compare for equality only.
_GRANTED = (mqtt5.SubAckReasonCode.GRANTED_QOS_AT_MOST_ONCE, mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE)


class LostError(Exception):
    """The connection ended or was refused; the message goes on from the broker's name."""


class TakenOverError(LostError):
    """Another client connected with our client id."""


def connection_refused(answer: mqtt5.ConnAckPacket) -> LostError:
    """What a CONNACK that is not a success means."""
    name = answer.reason_code.name
    told = _REFUSED.get(name, f"refused us: {name}")
    return LostError(f"{told} ({answer.reason_str})" if answer.reason_str else told)


def subscription_refused(filters: Sequence[str], answer: mqtt5.SubAckPacket) -> str:
    """What a SUBACK that does not grant all means; empty if it does."""
    codes = answer.reason_codes
    if len(codes) != len(filters):
        return "did not answer each of our subscriptions"
    refused = [pattern for pattern, code in zip(filters, codes, strict=True) if code not in _GRANTED]
    return (
        f"refused our subscription to {', '.join(refused)}: allow it in the broker's ACL" if refused else ""
    )


def disconnected(packet: mqtt5.DisconnectPacket, client_id: str) -> LostError:
    """What a DISCONNECT from the broker means."""
    if packet.reason_code == mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER:
        return TakenOverError(
            f"gave our session to another client: a second process connects as {client_id!r}; stop one, "
            "or give each its own broker.client_id (and account, if the broker makes it the client id)"
        )
    return LostError(f"disconnected us: {packet.reason_code.name}")


def why(error: BaseException | None, host: str, *, tls: bool) -> str:
    """What an error of the network or of TLS means that came before the broker said anything."""
    match error:
        case None | ConnectionResetError() | ConnectionAbortedError():
            return _NO_ANSWER_TLS if tls else _NO_ANSWER
        case ssl.SSLCertVerificationError(verify_code=code):
            told = f"shows a certificate that broker.ca_file does not vouch for ({error.verify_message})"
            return _CERTIFICATE.get(code, told).format(host=host)
        case ssl.SSLError(reason=str(reason)):
            known = (told for part, told in _TLS.items() if part in reason)
            return next(known, "broke off TLS ({reason})").format(reason=reason)
        case TimeoutError():
            return "gives no answer in time"
        case ConnectionRefusedError():
            return "does not run: nothing listens there"
        case _:
            return str(error) or type(error).__name__
