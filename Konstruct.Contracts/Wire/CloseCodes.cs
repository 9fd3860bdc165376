namespace Konstruct.Contracts.Wire;

/// <summary>
/// The WebSocket close codes a gateway sends. The table in docs/reference/protocol.md is checked against this type.
/// </summary>
public static class CloseCodes
{
    /// <summary>Normal end, asked for by the client. Reconnect: when the user wants to.</summary>
    public const int Normal = 1000;

    /// <summary>What came is no WebSocket frame. Sent by the WebSocket layer itself. Reconnect: when the client is mended.</summary>
    public const int ProtocolError = 1002;

    /// <summary>A text frame that is not UTF-8. Sent by the WebSocket layer itself. Reconnect: yes, without that frame.</summary>
    public const int InvalidText = 1007;

    /// <summary>A frame was larger than the limit. Reconnect: yes, but do not send that frame again.</summary>
    public const int FrameTooBig = 1009;

    /// <summary>A bug on this side: logged here, and nothing of it told. Reconnect: yes, with backoff, and resume.</summary>
    public const int InternalError = 1011;

    /// <summary>The gateway is being restarted, or may not serve for now. Reconnect: yes, at once with jitter, and resume.</summary>
    public const int Restarting = 1012;

    /// <summary>The auth frame was missing, late or wrong. Reconnect: only with other credentials.</summary>
    public const int AuthenticationFailed = 4001;

    /// <summary>Who you are is known, but this conversation is not yours. Reconnect: no.</summary>
    public const int Forbidden = 4003;

    /// <summary>The client reads slower than the answer is written, or has most to read when all clients together are too slow. Reconnect: yes, and resume.</summary>
    public const int TooSlow = 4008;

    /// <summary>This user, or this gateway, has as many sockets as it may. Reconnect: later, with backoff.</summary>
    public const int TooManySockets = 4009;

    /// <summary>The credentials expired and no fresh ones came. Reconnect: yes, with fresh ones.</summary>
    public const int CredentialsExpired = 4010;
}
