using System.ComponentModel.DataAnnotations;
using Konstruct.Contracts.Redis;

namespace Konstruct.Gateway;

/// <summary>How the gateway behaves: configuration section <c>Chat</c>. Times are <c>hh:mm:ss</c>.</summary>
internal sealed class ChatOptions : IValidatableObject
{
    public const string Section = "Chat";

    /// <summary>Whether a message to an unknown conversation creates it. Default: no; Development's settings say yes.</summary>
    public bool CreateMissingConversations { get; set; }

    /// <summary>The response channel's name; holds <c>{tenant_id}</c> and <c>{conversation_id}</c>. Default: the original's.</summary>
    public string ResponseChannel { get; set; } = Contracts.Redis.ResponseChannel.DefaultTemplate;

    /// <summary>A turn without a chunk for this long is failed. Time in the queue counts. Default 3 min; 0 is refused.</summary>
    public TimeSpan TurnSilenceLimit { get; set; } = TimeSpan.FromSeconds(180);

    /// <summary>A turn that lasts this long in all is failed. Default 30 min; 0 is refused.</summary>
    public TimeSpan TurnLimit { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>A socket that has not sent its auth frame by then is closed with 4001. Default 10 s; 0 is refused.</summary>
    public TimeSpan AuthDeadline { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of a client's frame, fragments added up; a larger one closes with 1009. Default 64 KB.</summary>
    [Range(1024, 16 * 1024 * 1024)]
    public int MaxFrameBytes { get; set; } = 64 * 1024;

    /// <summary>UTF-16 units of a message's text; a longer one is refused. Default 65,536, which is more than a frame of the usual size holds.</summary>
    [Range(1, 16 * 1024 * 1024)]
    public int MaxTextLength { get; set; } = 64 * 1024;

    /// <summary>Messages that may wait on one socket behind the one being answered. Default 8; 0: none may wait.</summary>
    [Range(0, 1024)]
    public int MaxWaitingMessages { get; set; } = 8;

    /// <summary>Turns that may run at once in one conversation, whatever socket they came from. Default 4.</summary>
    [Range(1, 1024)]
    public int MaxTurnsPerConversation { get; set; } = 4;

    /// <summary>Frames that may wait to be sent on one socket; one more closes with 4008. Default 4,096.</summary>
    [Range(16, 1_000_000)]
    public int MaxQueuedFrames { get; set; } = 4096;

    /// <summary>Bytes that may wait to be sent on one socket; more closes with 4008. Default 4 MB: three whole answers.</summary>
    [Range(64 * 1024, int.MaxValue)]
    public int MaxQueuedBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>
    /// Bytes that may wait to be sent on all sockets of this gateway together; more closes the socket with the longest queue with 4008. Default 256 MB. Kestrel holds
    /// up to 64 KB more for each socket.
    /// </summary>
    [Range(1024 * 1024, long.MaxValue)]
    public long MaxQueuedBytesInAll { get; set; } = 256L * 1024 * 1024;

    /// <summary>Attempts to answer a turn before it is failed. Default 3.</summary>
    [Range(1, StreamEvent.MaxAttempt)]
    public int MaxAttempts { get; set; } = 3;

    /// <summary>How often a gateway looks for turns that nobody answers. Default 2 s; each round is shifted by up to a quarter.</summary>
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The sweep leaves younger turns alone: their dispatch may be under way. Default 5 s.</summary>
    public TimeSpan SweepAge { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a message may take to be stored before the client is told to try again. Default 10 s: a burst may have to wait for connections.</summary>
    public TimeSpan StoreTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a stopping gateway takes to close its sockets and persist what is ending. Default 20 s; Development's settings say 1 s.</summary>
    public TimeSpan DrainLimit { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How often a gateway that serves looks again whether its role and the policies are right. Default 1 min; each round is shifted by up to a quarter.</summary>
    public TimeSpan GuardInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>A ping is sent to a silent client this often. Default 20 s.</summary>
    public TimeSpan PingInterval { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>A client that has not answered a ping by then is gone. Default 10 s.</summary>
    public TimeSpan PongTimeout { get; set; } = TimeSpan.FromSeconds(10);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Contracts.Redis.ResponseChannel.IsValid(ResponseChannel))
        {
            yield return new($"Chat:ResponseChannel is '{ResponseChannel}'. It must hold {{tenant_id}} and {{conversation_id}}.");
        }

        foreach (var (name, value) in new[]
        {
            (nameof(TurnSilenceLimit), TurnSilenceLimit), (nameof(TurnLimit), TurnLimit), (nameof(AuthDeadline), AuthDeadline),
            (nameof(SweepInterval), SweepInterval), (nameof(StoreTimeout), StoreTimeout), (nameof(PingInterval), PingInterval),
            (nameof(PongTimeout), PongTimeout), (nameof(GuardInterval), GuardInterval),
        })
        {
            if (value <= TimeSpan.Zero || value > TimeSpan.FromDays(1))
            {
                yield return new($"Chat:{name} is {value}. It must be longer than 0 and at most a day.");
            }
        }
    }
}
