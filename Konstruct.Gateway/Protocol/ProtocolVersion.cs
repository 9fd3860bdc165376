namespace Konstruct.Gateway.Protocol;

/// <summary>Protocol versions and how a client selects one.</summary>
internal static class ProtocolVersion
{
    /// <summary>WebSocket subprotocol of v2. A client that offers none uses v1, the original's protocol.</summary>
    public const string V2 = "konstruct.chat.v2";
}
