using System.Diagnostics;
using Konstruct.Contracts.Telemetry;

namespace Konstruct.Gateway.Telemetry;

/// <summary>
/// The gateway's spans. Each message has one trace with the root <c>chat.turn</c>. Later spans of the turn, on any gateway, join that trace.
/// </summary>
internal static class GatewayTelemetry
{
    public static readonly ActivitySource Source = new("Konstruct.Gateway");

    /// <summary>
    /// Starts the root span of a turn. The upgrade request must not be its parent: it is filtered
    /// out, and a child of an unsampled parent is never sampled.
    /// </summary>
    /// <param name="turnId">The turn.</param>
    /// <param name="tenantId">Its tenant.</param>
    /// <param name="conversationId">Its conversation.</param>
    /// <param name="traceparent">The client's trace, which the turn continues; null or invalid: a new trace.</param>
    public static Activity? StartTurn(Guid turnId, Guid tenantId, Guid conversationId, string? traceparent)
    {
        Activity.Current = null;
        var turn = Source.StartActivity("chat.turn", ActivityKind.Server, TraceParent.Parse(traceparent));
        return turn
            ?.SetTurn(turnId)
            .SetTag("konstruct.conversation.id", conversationId.ToString("D"))
            .SetTag("konstruct.tenant.id", tenantId.ToString("D"));
    }

    /// <summary>
    /// Starts a span in a turn's trace. Without that trace (Redis has lost it) the span starts a
    /// new one. The current span, such as an API request, is linked.
    /// </summary>
    public static Activity? StartChild(string name, ActivityContext turn, ActivityKind kind = ActivityKind.Internal)
    {
        var asker = Activity.Current is { Recorded: true } here && here.TraceId != turn.TraceId ? here : null;
        if (turn == default)
        {
            Activity.Current = null; // Otherwise the current span is the parent.
        }

        return Source.StartActivity(name, kind, turn, links: asker is null ? null : [new(asker.Context)]);
    }

    /// <summary>Starts a span in a new trace with a link to the turn's trace, which has ended.</summary>
    public static Activity? StartLinked(string name, ActivityContext turn)
    {
        Activity.Current = null;
        return Source.StartActivity(name, ActivityKind.Internal, parentContext: default, links: turn == default ? null : [new(turn)]);
    }

    /// <summary>
    /// Starts the span that queues an attempt. It has no <c>messaging.system</c>, because the
    /// dashboard would then show "MSG redis dispatch" as its name.
    /// </summary>
    public static Activity? StartDispatch(ActivityContext turn, Guid turnId, int attempt) =>
        StartChild("turn.dispatch", turn, ActivityKind.Producer)
            ?.SetTurn(turnId)
            .SetTag("konstruct.turn.attempt", attempt)
            .SetTag("messaging.operation.type", "send")
            .SetTag("messaging.destination.name", "dispatch");

    public static Activity SetTurn(this Activity span, Guid turnId) => span.SetTag("konstruct.turn.id", turnId.ToString("D"));
}
