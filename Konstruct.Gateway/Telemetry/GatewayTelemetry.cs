using System.Diagnostics;

namespace Konstruct.Gateway.Telemetry;

/// <summary>The gateway's spans. One trace for each message: its root is <c>chat.turn</c>.</summary>
internal static class GatewayTelemetry
{
    public static readonly ActivitySource Source = new("Konstruct.Gateway");

    /// <summary>
    /// The root span of a turn. The upgrade request must not be its parent: it is filtered out, and what has an unsampled parent is never sampled.
    /// </summary>
    public static Activity? StartTurn(Guid turnId, Guid conversationId, Guid tenantId, string? traceParent)
    {
        Activity.Current = null;
        ActivityContext.TryParse(traceParent, traceState: null, isRemote: true, out var parent);
        var turn = Source.StartActivity("chat.turn", ActivityKind.Server, parent);
        turn?.SetTag("konstruct.turn.id", turnId.ToString("D"))
            .SetTag("konstruct.conversation.id", conversationId.ToString("D"))
            .SetTag("konstruct.tenant.id", tenantId.ToString("D"));
        return turn;
    }

    /// <summary>A span of the gateway's own work; <paramref name="parent"/> null: a new trace, as for turns that another gateway had accepted.</summary>
    public static Activity? StartChild(string name, Activity? parent, ActivityKind kind = ActivityKind.Internal) =>
        Source.StartActivity(name, kind, parent?.Context ?? default);
}
