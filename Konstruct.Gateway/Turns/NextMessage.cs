using System.Runtime.CompilerServices;
using StackExchange.Redis;

namespace Konstruct.Gateway.Turns;

/// <summary>What a queue of messages has next: awaited where the caller's scheduler is kept. Null once the queue is closed, which is no exception here: it happens whenever a conversation is left.</summary>
/// <param name="read">The read, which nobody else awaits.</param>
internal readonly struct NextMessage(ValueTask<ChannelMessage> read) : ICriticalNotifyCompletion
{
    public bool IsCompleted => read.IsCompleted;

    public NextMessage GetAwaiter() => this;

    public ChannelMessage? GetResult() => read.IsCompletedSuccessfully ? read.GetAwaiter().GetResult() : null;

    public void OnCompleted(Action continuation) => read.GetAwaiter().OnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation) => read.GetAwaiter().UnsafeOnCompleted(continuation);
}
