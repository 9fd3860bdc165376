namespace Konstruct.Gateway.Protocol;

/// <summary>The WebSocket close codes that a gateway sends. A test checks the table in docs/reference/protocol.md against this type.</summary>
internal static class CloseCodes
{
    /// <summary>Normal end, requested by the client. Reconnect: when the user wants to; a client that did not request it, with backoff.</summary>
    public const int Normal = 1000;

    /// <summary>The input was not a WebSocket frame. Sent by the WebSocket layer. Reconnect: once the client is fixed.</summary>
    public const int ProtocolError = 1002;

    /// <summary>A text frame was not UTF-8. Sent by the WebSocket layer. Reconnect: yes, without that frame.</summary>
    public const int InvalidText = 1007;

    /// <summary>A frame was larger than the limit. Reconnect: yes, but do not send that frame again.</summary>
    public const int FrameTooBig = 1009;

    /// <summary>A bug in the gateway: logged there, with no details for the client. Reconnect: yes, with backoff, and resume.</summary>
    public const int InternalError = 1011;

    /// <summary>The gateway is restarting or cannot serve at present. Reconnect: yes, at once with jitter, and resume.</summary>
    public const int Restarting = 1012;

    /// <summary>The auth frame was missing, late or wrong. Reconnect: only with other credentials.</summary>
    public const int AuthenticationFailed = 4001;

    /// <summary>The user is authenticated, but the conversation is not theirs. Reconnect: no.</summary>
    public const int Forbidden = 4003;

    /// <summary>The client reads too slowly, or has the longest queue when all queues together are too long. Reconnect: yes, and resume.</summary>
    public const int TooSlow = 4008;

    /// <summary>This user or this gateway has the maximum number of sockets. Reconnect: later, with backoff.</summary>
    public const int TooManySockets = 4009;

    /// <summary>The credentials expired and were not renewed. Reconnect: yes, with new ones.</summary>
    public const int CredentialsExpired = 4010;
}
