using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Conversations;
using Konstruct.Gateway.Telemetry;
using Konstruct.ServiceDefaults.Loops;

namespace Konstruct.Gateway.Turns;

/// <summary>Services shared by all feeds.</summary>
internal sealed record TurnServices(
    ConversationStore Store, TurnLog Log, TurnFinisher Finisher, OwnedTasks Tasks, Failures Failures, GatewayMetrics Metrics, TimeProvider Time, Action<ConversationFeed> Release);
