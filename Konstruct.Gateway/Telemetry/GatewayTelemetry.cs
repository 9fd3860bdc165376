using System.Diagnostics;
using Konstruct.Contracts.Telemetry;
using Konstruct.Gateway.Conversations;

namespace Konstruct.Gateway.Telemetry;

/// <summary>
/// The gateway's spans. One trace for each message: its root is <c>chat.turn</c>, and whatever happens to the turn later, on this gateway or another,
/// is added to that trace.
/// </summary>
internal static class GatewayTelemetry
{
    public static readonly ActivitySource Source = new("Konstruct.Gateway");

    /// <summary>
    /// The root span of a turn. The upgrade request must not be its parent: it is filtered out, and what has an unsampled parent is never sampled.
    /// </summary>
    /// <param name="turnId">The turn.</param>
    /// <param name="key">Whose it is.</param>
    /// <param name="traceparent">The client's own trace, which the turn continues then; null or no trace context: a new one.</param>
    public static Activity? StartTurn(Guid turnId, ConversationKey key, string? traceparent)
    {
        Activity.Current = null;
        var turn = Source.StartActivity("chat.turn", ActivityKind.Server, TraceParent.Parse(traceparent));
        return turn?.SetTurn(turnId)
            .SetTag("konstruct.conversation.id", key.ConversationId.ToString("D"))
            .SetTag("konstruct.tenant.id", key.TenantId.ToString("D"));
    }

    /// <summary>
    /// A span of a turn's trace. Without one (Redis has forgotten it) it begins its own; what asked for it, such as a request to the API, is linked.
    /// </summary>
    public static Activity? StartChild(string name, ActivityContext turn, ActivityKind kind = ActivityKind.Internal)
    {
        var asker = Activity.Current is { Recorded: true } here && here.TraceId != turn.TraceId ? here : null;
        if (turn == default)
        {
            Activity.Current = null; // Or it would be the parent.
        }

        return Source.StartActivity(name, kind, turn, links: asker is null ? null : [new(asker.Context)]);
    }

    /// <summary>A span of its own trace, since the turn's was over: it only points there.</summary>
    public static Activity? StartLinked(string name, ActivityContext turn)
    {
        Activity.Current = null;
        return Source.StartActivity(name, ActivityKind.Internal, parentContext: default, links: turn == default ? null : [new(turn)]);
    }

    /// <summary>The span that puts an attempt into the queue. Without <c>messaging.system</c>: the dashboard would show "MSG redis dispatch" in place of the name.</summary>
    public static Activity? StartDispatch(ActivityContext turn, Guid turnId, int attempt) =>
        StartChild("turn.dispatch", turn, ActivityKind.Producer)
            ?.SetTurn(turnId)
            .SetTag("konstruct.turn.attempt", attempt)
            .SetTag("messaging.operation.type", "send")
            .SetTag("messaging.destination.name", "dispatch");

    public static Activity SetTurn(this Activity span, Guid turnId) => span.SetTag("konstruct.turn.id", turnId.ToString("D"));
}
