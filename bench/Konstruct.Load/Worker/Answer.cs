using System.Globalization;
using System.Text;
using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Load.Measure;
using StackExchange.Redis;

namespace Konstruct.Load.Worker;

/// <summary>A running answer: its next payload, and when that is due.</summary>
internal sealed class Answer
{
    /// <summary>Prefix of the channel in <c>reply_to</c> with which bench/peers requests the envelope of SignalR's backplane.</summary>
    public const string SignalR = "signalr ";

    private static readonly string[] Words = ["the ", "answer ", "is ", "a ", "stream ", "of ", "words ", "that ", "nobody ", "wrote "];

    private readonly KonstructMessage _message;
    private readonly Script _script;
    private readonly StringBuilder _text = new();
    private readonly bool _wrapped;
    private readonly long _began = Clock.Now;
    private int _given;
    private long _due;

    public Answer(KonstructMessage message, string entry, ResponseChannel channels)
    {
        (_message, Entry, _script) = (message, entry, Script.Of(message.Content.Text));
        _wrapped = message.ReplyTo?.StartsWith(SignalR, StringComparison.Ordinal) == true;
        Command = Publisher.CommandFor(
            message.ReplyTo is { } replyTo
                ? RedisChannel.Literal(_wrapped ? replyTo[SignalR.Length..] : replyTo)
                : channels.For(message.TenantId, message.ConversationId)
        );
        _due = _began + _script.DueOf(0);
    }

    public string Entry { get; }

    /// <summary>See <see cref="Publisher.CommandFor"/>.</summary>
    public byte[] Command { get; }

    /// <summary>Whether our gateway waits for it. A peer does not track turns.</summary>
    public bool IsForGateway => _message.ReplyTo is null;

    public bool IsOver { get; private set; }

    /// <summary>Delay of the latest payload against its due time, in microseconds.</summary>
    public long Late { get; private set; }

    /// <summary>Returns the next payload that is due; null: none. Most calls return null and cost one comparison.</summary>
    /// <param name="now">The current time.</param>
    public byte[]? Next(long now)
    {
        if (now < _due || IsOver)
        {
            return null;
        }

        var stamp = Clock.Now;
        Late = stamp - _due;
        if (_given == _script.Tokens)
        {
            IsOver = true;
            return Wrap(
                StreamEvent.Done(_text.ToString(), _message.ConversationId, _message.TurnId, _message.Attempt, _given + 1, TurnOutcome.Completed)
            );
        }

        var token = string.Create(CultureInfo.InvariantCulture, $"{stamp} {Words[_given % Words.Length]}");
        _text.Append(token);
        _given++;
        _due = _began + _script.DueOf(Math.Min(_given, _script.Tokens - 1));
        return Wrap(StreamEvent.Chunk(token, _message.TurnId, _message.Attempt, _given));
    }

    private byte[] Wrap(byte[] payload) => _wrapped ? SignalREnvelope.Around(payload) : payload;
}
