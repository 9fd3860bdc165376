using System.ComponentModel.DataAnnotations;
using Konstruct.Contracts.Redis;

namespace Konstruct.Gateway.Configuration;

/// <summary>Settings of the gateway: configuration section <c>Chat</c>. Times are <c>hh:mm:ss</c>.</summary>
internal sealed class ChatOptions : IValidatableObject
{
    public const string Section = "Chat";

    /// <summary>Whether a message to an unknown conversation creates it. Default false; Development's settings use true.</summary>
    public bool CreateMissingConversations { get; set; }

    /// <summary>Template of the response channel; contains <c>{tenant_id}</c> and <c>{conversation_id}</c>. Default: the original's.</summary>
    public string ResponseChannel { get; set; } = Contracts.Redis.ResponseChannel.DefaultTemplate;

    /// <summary>A turn is failed after this time without a chunk. Time in the queue counts. Default 3 min; 0 is refused.</summary>
    public TimeSpan TurnSilenceLimit { get; set; } = TimeSpan.FromSeconds(180);

    /// <summary>A turn is failed after this total time. Default 30 min; 0 is refused.</summary>
    public TimeSpan TurnLimit { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>A socket without an auth frame is closed with 4001 after this time. Default 10 s; 0 is refused.</summary>
    public TimeSpan AuthDeadline { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Maximum bytes of a client's frame, over all fragments; a larger one closes with 1009. Default 64 KB.</summary>
    [Range(1024, 16 * 1024 * 1024)]
    public int MaxFrameBytes { get; set; } = 64 * 1024;

    /// <summary>
    /// Maximum length of a message's text in UTF-16 units; a longer one is refused. Default 65,536, more than a frame of the default size can hold.
    /// </summary>
    [Range(1, 16 * 1024 * 1024)]
    public int MaxTextLength { get; set; } = 64 * 1024;

    /// <summary>Maximum number of messages that wait on one socket behind the current one. Default 8; 0: none.</summary>
    [Range(0, 1024)]
    public int MaxWaitingMessages { get; set; } = 8;

    /// <summary>Maximum number of turns that run at once in one conversation, over all sockets. Default 4.</summary>
    [Range(1, 1024)]
    public int MaxTurnsPerConversation { get; set; } = 4;

    /// <summary>Maximum number of frames in a socket's send queue; one more closes with 4008. Default 4,096.</summary>
    [Range(16, 1_000_000)]
    public int MaxQueuedFrames { get; set; } = 4096;

    /// <summary>Maximum bytes in a socket's send queue; more closes with 4008. Default 4 MB: three full answers.</summary>
    [Range(64 * 1024, int.MaxValue)]
    public int MaxQueuedBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>
    /// Maximum bytes in all send queues of this gateway. Above it, the socket with the longest queue is
    /// closed with 4008. Default 256 MB. Kestrel buffers up to 64 KB more per socket.
    /// </summary>
    [Range(1024 * 1024, long.MaxValue)]
    public long MaxQueuedBytesInAll { get; set; } = 256L * 1024 * 1024;

    /// <summary>Maximum number of attempts of a turn before it is failed. Default 3.</summary>
    [Range(1, StreamEvent.MaxAttempt)]
    public int MaxAttempts { get; set; } = 3;

    /// <summary>Interval of the sweep. Default 2 s; each gateway adds up to a quarter.</summary>
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Minimum age of a turn for the sweep; the dispatch of a younger one may be in flight. Default 5 s.</summary>
    public TimeSpan SweepAge { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Maximum time to store a message before the client gets a retryable error. Default 10 s: a burst may wait for connections.</summary>
    public TimeSpan StoreTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Maximum time in which a stopping gateway closes its sockets and persists turns. Default 20 s; Development's settings use 1 s.
    /// </summary>
    public TimeSpan DrainLimit { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Interval at which a serving gateway checks its role and the policies again. Default 1 min; each round adds up to a quarter.</summary>
    public TimeSpan GuardInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Interval of pings to a silent client. Default 20 s.</summary>
    public TimeSpan PingInterval { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>A client that does not answer a ping within this time is disconnected. Default 10 s.</summary>
    public TimeSpan PongTimeout { get; set; } = TimeSpan.FromSeconds(10);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Contracts.Redis.ResponseChannel.IsValid(ResponseChannel))
        {
            yield return new($"Chat:ResponseChannel is '{ResponseChannel}'. It must hold {{tenant_id}} and {{conversation_id}}.");
        }

        foreach (
            var (name, value) in new[]
            {
                (nameof(TurnSilenceLimit), TurnSilenceLimit),
                (nameof(TurnLimit), TurnLimit),
                (nameof(AuthDeadline), AuthDeadline),
                (nameof(SweepInterval), SweepInterval),
                (nameof(StoreTimeout), StoreTimeout),
                (nameof(PingInterval), PingInterval),
                (nameof(PongTimeout), PongTimeout),
                (nameof(GuardInterval), GuardInterval),
            }
        )
        {
            if (value <= TimeSpan.Zero || value > TimeSpan.FromDays(1))
            {
                yield return new($"Chat:{name} is {value}. It must be longer than 0 and at most a day.");
            }
        }
    }
}
