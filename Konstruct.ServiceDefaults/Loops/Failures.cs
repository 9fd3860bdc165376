using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Konstruct.ServiceDefaults.Stores;
using Microsoft.Extensions.Logging;

namespace Konstruct.ServiceDefaults.Loops;

/// <summary>
/// Reports failures of work without a caller. Each is counted, and logged at Error once a minute per kind of work and error. A loop meets
/// the same error in every round, and a thousand turns meet it at once; a log line for each would fill a disk and hide other errors.
/// </summary>
/// <param name="meters">Creates the meter.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
public sealed partial class Failures(IMeterFactory meters, TimeProvider time, ILogger<Failures> logger)
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "Konstruct.Loops";

    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);

    private readonly Counter<long> _failures = meters
        .Create(MeterName)
        .CreateCounter<long>("konstruct.failures", "{failure}", "Rounds, rows and background work that failed, by work and kind of error.");

    private readonly ConcurrentDictionary<(string Work, string Kind), Line> _lines = new();

    /// <summary>Counts a failure, and logs it unless the same kind was logged within the last minute.</summary>
    /// <param name="work">What failed: one of a few names, as a noun ("the sweep"). It is a label of the metric.</param>
    /// <param name="exception">The error.</param>
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

    /// <summary>Runs one row of a round. An exception is reported, so that the next row still runs. False: the row failed.</summary>
    public bool Try(string work, Action row)
    {
        try
        {
            row();
            return true;
        }
#pragma warning disable CA1031 // Row boundary: one bad row must not end the loop.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Report(work, exception);
            return false;
        }
    }

    /// <summary>Like <see cref="Try"/>, for an asynchronous row. Never throws.</summary>
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
    /// Like <see cref="TryAsync"/>, for one of many rows of a store. Throws when the store is unreachable, because the
    /// other rows would only wait too, and when <paramref name="cancellationToken"/> is cancelled.
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

    /// <summary>Last log line of one kind, and the number of failures since.</summary>
    private sealed class Line
    {
        private readonly Lock _gate = new();
        private long? _loggedAt;
        private long _since;

        /// <summary>Null: do not log now. Otherwise the number of failures that were not logged since the last line.</summary>
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
        [LoggerMessage(
            600,
            LogLevel.Error,
            "A store refused or failed at {Work}, which is tried again: {Kind}: {Reason} ({More} more since the last such line)"
        )]
        public static partial void Outage(ILogger logger, string work, string kind, string reason, long more);

        [LoggerMessage(
            601,
            LogLevel.Error,
            "An unforeseen error ended one round or row of {Work}, which is tried again: {Kind} ({More} more since the last such line)"
        )]
        public static partial void Unforeseen(ILogger logger, string work, string kind, long more, Exception exception);
    }
}
