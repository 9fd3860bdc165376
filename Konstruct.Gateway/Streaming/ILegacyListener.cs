using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Storage;

namespace Konstruct.Gateway.Streaming;

/// <summary>
/// Takes what a legacy orchestrator publishes and writes it to the log of its turn. The log's entries come back on the same channel, with their
/// turn and seq, and go to sockets like those of any other orchestrator.
/// </summary>
internal interface ILegacyListener
{
    /// <summary>
    /// Offers a payload. Called under the feed's gate, so it must not block. True: the listener takes it, and the feed must not relay it.
    /// </summary>
    bool Take(ConversationKey key, in StreamEvent payload);
}
