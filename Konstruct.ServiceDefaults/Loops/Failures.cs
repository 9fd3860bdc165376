using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Konstruct.ServiceDefaults.Stores;
using Microsoft.Extensions.Logging;

namespace Konstruct.ServiceDefaults.Loops;

/// <summary>
/// What failed without a caller who could be told: counted, and logged at Error once a minute for each kind of work and of error. A loop meets the same error in
/// every round, and a thousand turns meet it at once; a log that says so each time fills a disk and hides the rest.
/// </summary>
/// <param name="meters">Makes the meter.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
public sealed partial class Failures(IMeterFactory meters, TimeProvider time, ILogger<Failures> logger)
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Konstruct.Loops";

    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);

    private readonly Counter<long> _failures = meters.Create(MeterName).CreateCounter<long>(
        "konstruct.failures", "{failure}", "Rounds, rows and background work that failed, by work and kind of error.");

    private readonly ConcurrentDictionary<(string Work, string Kind), Line> _lines = new();

    /// <summary>Counts a failure, and logs it unless the same was logged within the last minute.</summary>
    /// <param name="work">What failed: one of a few names, in the form of a noun ("the sweep"). It is a label of the metric.</param>
    /// <param name="exception">Why.</param>
    public void Report(string work, Exception exception)
    {
        var kind = Outages.KindOf(exception);
        _failures.Add(1, new KeyValuePair<string, object?>("work", work), new KeyValuePair<string, object?>("error.type", kind));
        if (_lines.GetOrAdd((work, kind), _ => new()).MayBeLogged(time) is not { } more)
        {
            return;
        }

        if (exception.IsOutage())
        {
            Log.Outage(logger, work, kind, exception.Message, more);
        }
        else
        {
            Log.Unforeseen(logger, work, kind, more, exception);
        }
    }

    /// <summary>Does one row of a round. What it throws is reported, so that the next row is done all the same. False: it failed.</summary>
    public bool Try(string work, Action row)
    {
        try
        {
            row();
            return true;
        }
#pragma warning disable CA1031 // A row's boundary: whatever is wrong with one, the loop and the other rows go on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Report(work, exception);
            return false;
        }
    }

    /// <summary>Likewise a row that waits. Never throws.</summary>
    public async Task<bool> TryAsync(string work, Func<Task> row)
    {
        try
        {
            await row();
            return true;
        }
#pragma warning disable CA1031 // As above.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Report(work, exception);
            return false;
        }
    }

    /// <summary>
    /// Likewise one of many rows of a store. Throws when the store does not serve at all, since each of the others would wait for it in vain, and when
    /// <paramref name="cancellationToken"/> is cancelled.
    /// </summary>
    public async Task<bool> TryRowAsync(string work, Func<Task> row, CancellationToken cancellationToken)
    {
        try
        {
            await row();
            return true;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && !exception.IsUnreachable())
        {
            Report(work, exception);
            return false;
        }
    }

    /// <summary>When one kind was logged last, and how many came since.</summary>
    private sealed class Line
    {
        private readonly Lock _gate = new();
        private long? _loggedAt;
        private long _since;

        /// <summary>Null: not now. Otherwise how many were not logged since the last one that was.</summary>
        public long? MayBeLogged(TimeProvider time)
        {
            lock (_gate)
            {
                if (_loggedAt is { } last && time.GetElapsedTime(last) < Quiet)
                {
                    _since++;
                    return null;
                }

                var more = _since;
                (_loggedAt, _since) = (time.GetTimestamp(), 0);
                return more;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(600, LogLevel.Error, "A store refused or failed at {Work}, which is tried again: {Kind}: {Reason} ({More} more since the last such line)")]
        public static partial void Outage(ILogger logger, string work, string kind, string reason, long more);

        [LoggerMessage(601, LogLevel.Error, "An unforeseen error ended one round or row of {Work}, which is tried again: {Kind} ({More} more since the last such line)")]
        public static partial void Unforeseen(ILogger logger, string work, string kind, long more, Exception exception);
    }
}
