namespace Konstruct.Contracts.Wire;

/// <summary>How a client says which protocol it speaks.</summary>
public static class ProtocolVersion
{
    /// <summary>The WebSocket subprotocol of v2. A client that offers none speaks v1, the original's.</summary>
    public const string V2 = "konstruct.chat.v2";
}
