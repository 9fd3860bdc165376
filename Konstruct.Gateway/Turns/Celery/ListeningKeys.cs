using StackExchange.Redis;

namespace Konstruct.Gateway.Turns.Celery;

/// <summary>Keys and channel of legacy turns. The keys are in the conversation's hash slot.</summary>
internal static class ListeningKeys
{
    /// <summary>Published when a turn needs a second gateway that listens, or another one in the first one's place.</summary>
    public static readonly RedisChannel Listen = RedisChannel.Literal("konstruct:dispatch:listen");

    /// <summary>String: the turn that the conversation belongs to, until no payload of it can come any more.</summary>
    public static RedisKey Place(Guid conversationId) => $"{{{conversationId:D}}}:place";

    /// <summary>String: the gateway that logs what a turn's orchestrator publishes. Expires with the listening lease.</summary>
    public static RedisKey Lease(Guid conversationId, Guid turnId) => $"{{{conversationId:D}}}:listening:{turnId:D}";

    /// <summary>String: the gateway that is to listen as well. It may not have subscribed yet.</summary>
    public static RedisKey Second(Guid conversationId, Guid turnId) => $"{{{conversationId:D}}}:second:{turnId:D}";

    /// <summary>String: the gateway that listens as well, to take over.</summary>
    public static RedisKey Standby(Guid conversationId, Guid turnId) => $"{{{conversationId:D}}}:standby:{turnId:D}";
}
