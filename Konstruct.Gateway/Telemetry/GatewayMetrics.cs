using System.Diagnostics;
using System.Diagnostics.Metrics;
using Konstruct.Contracts.Dispatch;

namespace Konstruct.Gateway.Telemetry;

/// <summary>Why a socket gets chunks from the log.</summary>
internal enum ReplayCause
{
    /// <summary>The channel did not deliver all chunks.</summary>
    Gap,

    /// <summary>The client resumed the turn or repeated its message.</summary>
    Resume,

    /// <summary>The socket joined a running turn.</summary>
    Join,
}

/// <summary>This gateway's turns, by state.</summary>
/// <param name="Waiting">No chunk yet.</param>
/// <param name="Streaming">Chunks are arriving.</param>
/// <param name="Ending">The end is being persisted.</param>
internal readonly record struct TurnCounts(int Waiting, int Streaming, int Ending);

/// <summary>Metrics of the gateway; docs/reference/metrics.md explains each. No label grows with users.</summary>
internal sealed class GatewayMetrics
{
    public const string MeterName = "Konstruct.Gateway";

    private readonly Meter _meter;
    private readonly Counter<long> _turns;
    private readonly Histogram<double> _turnDuration;
    private readonly UpDownCounter<long> _sockets;
    private readonly Counter<long> _closes;
    private readonly Histogram<double> _firstChunk;
    private readonly Histogram<double> _forwarding;
    private readonly Counter<long> _redeliveries;
    private readonly Counter<long> _replays;
    private readonly Counter<long> _rejections;
    private readonly ObservableGauge<long> _queueEntries;
    private QueueReading? _queue;

    public GatewayMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(MeterName);
        _turns = _meter.CreateCounter<long>("konstruct.turns", "{turn}", "Turns that ended, by outcome.");
        _turnDuration = _meter.CreateHistogram<double>(
            "konstruct.turn.duration",
            "s",
            "From the message to its stored answer, by outcome.",
            advice: new() { HistogramBucketBoundaries = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600, 1800] }
        );
        _sockets = _meter.CreateUpDownCounter<long>("konstruct.sockets", "{socket}", "Open sockets, by protocol version.");
        _closes = _meter.CreateCounter<long>(
            "konstruct.closes",
            "{socket}",
            "Sockets that ended, by the code this side closed with; 0: the client's doing."
        );
        _firstChunk = _meter.CreateHistogram<double>(
            "konstruct.time_to_first_chunk",
            "s",
            "From the message to its first chunk, sent to the socket that asked.",
            advice: new() { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180] }
        );
        _forwarding = _meter.CreateHistogram<double>(
            "konstruct.chunk.forwarding_delay",
            "s",
            "From a chunk's arrival on the channel to its end of sending, for each socket.",
            advice: new() { HistogramBucketBoundaries = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] }
        );
        _redeliveries = _meter.CreateCounter<long>("konstruct.redeliveries", "{attempt}", "Attempts after the first that were dispatched.");
        _replays = _meter.CreateCounter<long>("konstruct.replays", "{replay}", "Replays of a turn's log to a socket, by cause.");
        _rejections = _meter.CreateCounter<long>("konstruct.rejections", "{frame}", "Frames and sockets that were refused, by error code.");
        _queueEntries = _meter.CreateObservableGauge(
            "konstruct.queue.entries",
            EntriesByState,
            "{entry}",
            "Entries of the dispatch queue, by state; every gateway reports the same queue."
        );
        _meter.CreateObservableGauge(
            "konstruct.queue.oldest",
            OldestEntry,
            "s",
            "How long the oldest waiting entry has waited; every gateway reports the same queue."
        );
    }

    /// <summary>Whether the queue is observed: measuring it costs a call to Redis.</summary>
    public bool IsQueueWanted => _queueEntries.Enabled;

    /// <summary>Timestamp for a <see cref="FrameTiming"/>, without a system call; 0 when nothing is measured.</summary>
    public long Now => _forwarding.Enabled || _firstChunk.Enabled ? Stopwatch.GetTimestamp() : 0;

    /// <summary>Records the duration of a turn that this gateway began, whichever gateway persisted it.</summary>
    public void TurnTook(string outcome, TimeSpan duration) =>
        _turnDuration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("outcome", outcome));

    /// <summary>Counts a turn that this gateway persisted. Of several gateways that try, one counts.</summary>
    public void TurnEnded(string outcome) => _turns.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void SocketOpened(int version) => _sockets.Add(1, new KeyValuePair<string, object?>("version", version));

    public void SocketClosed(int version, int code)
    {
        _sockets.Add(-1, new KeyValuePair<string, object?>("version", version));
        _closes.Add(1, new KeyValuePair<string, object?>("code", code));
    }

    /// <summary>Records a sent frame. Allocates nothing, because it runs for every chunk of every socket.</summary>
    public void FrameSent(FrameTiming timing)
    {
        var now = Stopwatch.GetTimestamp();
        if (timing.HeardAt != 0)
        {
            _forwarding.Record(Stopwatch.GetElapsedTime(timing.HeardAt, now).TotalSeconds);
        }

        if (timing.AskedAt != 0)
        {
            _firstChunk.Record(Stopwatch.GetElapsedTime(timing.AskedAt, now).TotalSeconds);
        }
    }

    public void Redelivered() => _redeliveries.Add(1);

    public void Replayed(ReplayCause cause) =>
        _replays.Add(
            1,
            new KeyValuePair<string, object?>(
                "cause",
                cause switch
                {
                    ReplayCause.Resume => "resume",
                    ReplayCause.Join => "join",
                    _ => "gap",
                }
            )
        );

    /// <summary>Counts a refusal by error code; see the table in docs/reference/protocol.md.</summary>
    public void Rejected(string code) => _rejections.Add(1, new KeyValuePair<string, object?>("code", code));

    /// <summary>Stores the queue's size; null: unknown.</summary>
    public void QueueMeasured(QueueMeasure? queue) => _queue = queue is { } measure ? new(measure) : null;

    /// <summary>Reports this gateway's turns by state at each collection.</summary>
    public void ObserveTurns(Func<TurnCounts> count) =>
        _meter.CreateObservableGauge<long>(
            "konstruct.turns.active",
            () =>
            {
                var now = count();
                return [Of("waiting", now.Waiting), Of("streaming", now.Streaming), Of("ending", now.Ending)];
            },
            "{turn}",
            "Turns that this gateway began and that have not ended, by state."
        );

    private IEnumerable<Measurement<long>> EntriesByState() =>
        Volatile.Read(ref _queue) is { Measure: var queue }
            ? [Of("waiting", queue.Waiting), Of("held", queue.Held), Of("answered", queue.Answered), Of("dead", queue.Dead)]
            : [];

    private IEnumerable<Measurement<double>> OldestEntry() =>
        Volatile.Read(ref _queue) is { Measure: var queue } ? [new(queue.Oldest.TotalSeconds)] : [];

    private static Measurement<long> Of(string state, long count) => new(count, new KeyValuePair<string, object?>("state", state));

    private sealed record QueueReading(QueueMeasure Measure);
}
