using System.Diagnostics.Metrics;

namespace Konstruct.Gateway.Telemetry;

/// <summary>What the gateway counts. No label grows with users.</summary>
internal sealed class GatewayMetrics
{
    public const string MeterName = "Konstruct.Gateway";

    private readonly Counter<long> _turns;
    private readonly UpDownCounter<long> _sockets;
    private readonly Counter<long> _closes;
    private readonly Histogram<double> _firstChunk;

    public GatewayMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _turns = meter.CreateCounter<long>("konstruct.turns", "{turn}", "Turns that ended, by outcome.");
        _sockets = meter.CreateUpDownCounter<long>("konstruct.sockets", "{socket}", "Open sockets, by protocol version.");
        _closes = meter.CreateCounter<long>("konstruct.closes", "{socket}", "Sockets that ended, by the code this side closed with; 0: the client's doing.");
        _firstChunk = meter.CreateHistogram<double>(
            "konstruct.time_to_first_chunk",
            "s",
            "From the arrival of a message to its first chunk at the socket.",
            advice: new() { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180] });
    }

    public void TurnEnded(string outcome) => _turns.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void SocketOpened(int version) => _sockets.Add(1, new KeyValuePair<string, object?>("version", version));

    public void SocketClosed(int version, int code)
    {
        _sockets.Add(-1, new KeyValuePair<string, object?>("version", version));
        _closes.Add(1, new KeyValuePair<string, object?>("code", code));
    }

    public void FirstChunk(TimeSpan after) => _firstChunk.Record(after.TotalSeconds);
}
