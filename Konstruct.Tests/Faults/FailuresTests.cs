using System.Diagnostics.Metrics;
using System.Net.Sockets;
using Konstruct.ServiceDefaults.Loops;
using Konstruct.ServiceDefaults.Stores;
using Konstruct.Tests.Harness;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using StackExchange.Redis;
using Xunit;

namespace Konstruct.Tests.Faults;

/// <summary>What failed in a loop is counted each time, logged once a minute, and tried again.</summary>
public sealed class FailuresTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly KeptLog _log = new();
    private readonly Failures _failures;

    public FailuresTests() => _failures = NoFailures.With(_time, _log);

    [Fact]
    public void The_same_failure_is_logged_once_a_minute_and_says_how_many_there_were()
    {
        for (var i = 0; i < 60; i++)
        {
            _failures.Report("the sweep", Redis("MISCONF cannot save"));
            _time.Advance(TimeSpan.FromSeconds(2));
        }

        Assert.Equal(2, _log.Lines.Count);
        Assert.All(
            _log.Lines,
            line => Assert.StartsWith("Error: A store refused or failed at the sweep, which is tried again: MISCONF", line, StringComparison.Ordinal)
        );
        Assert.Contains("29 more", _log.Lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Another_kind_and_other_work_is_not_hidden_by_it()
    {
        _failures.Report("the sweep", Redis("MISCONF cannot save"));
        _failures.Report("the sweep", Redis("OOM full"));
        _failures.Report("the heartbeat", Redis("OOM full"));
        _failures.Report("the sweep", new InvalidOperationException("A bug."));
        Assert.Equal(4, _log.Lines.Count);
    }

    [Fact]
    public void Each_failure_is_counted_by_work_and_kind()
    {
        var counted = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name == "konstruct.failures")
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>(
            (_, value, tags, _) => counted.Add($"{value} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}")
        );
        listener.Start();
        _failures.Report("only this test", Redis("OOM full"));
        _failures.Report("only this test", new InvalidOperationException("A bug."));
        Assert.Equal(
            ["1 work=only this test error.type=OOM", "1 work=only this test error.type=InvalidOperationException"],
            counted.Where(line => line.Contains("only this test", StringComparison.Ordinal))
        );
    }

    /// <summary>Whatever a round throws, also a cancellation that is not the loop's.</summary>
    [Fact]
    public async Task A_loop_goes_on_after_any_exception_with_pauses_that_grow()
    {
        var began = _time.GetTimestamp();
        var rounds = new List<TimeSpan>();
        using var stop = new CancellationTokenSource();
        var loop = new Persistence(_failures, _time).LoopAsync(
            "a loop",
            TimeSpan.FromSeconds(1),
            TimeSpan.FromSeconds(1),
            TimeSpan.FromSeconds(8),
            _ =>
            {
                rounds.Add(_time.GetElapsedTime(began));
                return rounds.Count switch
                {
                    1 => throw new InvalidOperationException("A bug."),
                    2 => throw Redis("NOREPLICAS"),
                    3 => throw new TaskCanceledException("Not the loop's."),
                    <= 8 => throw new NpgsqlException("Gone."),
                    _ => Task.CompletedTask,
                };
            },
            stop.Token
        );
        await Until.TrueAsync(() =>
        {
            Assert.False(loop.IsCompleted, $"{loop.Exception}");
            _time.Advance(TimeSpan.FromMilliseconds(100));
            return Task.FromResult(rounds.Count >= 11);
        });

        var pauses = rounds.Zip(rounds.Skip(1), (before, after) => (after - before).TotalSeconds).ToArray();
        Assert.All(pauses[..8].Zip([0.5, 1, 2, 4, 4, 4, 4, 4]), pair => Assert.True(pair.First >= pair.Second - 0.1, $"{pair}")); // Late by what the machine needs.
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loop);
    }

    [Fact]
    public void What_a_store_says_passes_unless_it_is_a_bug()
    {
        foreach (
            var passing in (Exception[])
                [
                    .. new[] { "25006", "28P01", "42501", "22P05", "57P01", "53300", "XX000" }.Select(Postgres),
                    new NpgsqlException("x"),
                    new RetryLimitExceededException("x", Postgres("25006")),
                    new DbUpdateException("x", Postgres("42501")),
                    new InvalidOperationException("x", new NpgsqlException("x")),
                    new SocketException(24),
                    new TimeoutException(),
                    .. new[]
                    {
                        "MISCONF x",
                        "NOREPLICAS x",
                        "NOPERM x",
                        "OOM x",
                        "READONLY x",
                        "LOADING x",
                        "MASTERDOWN x",
                        "TRYAGAIN x",
                        "ERR ACL failure in script: x",
                    }.Select(Redis),
                ]
        )
        {
            Assert.True(passing.IsOutage(), $"{passing}");
        }

        foreach (
            var bug in (Exception[])
                [
                    Postgres("42601"),
                    Postgres("42703"),
                    Postgres("23505"),
                    Redis("WRONGTYPE x"),
                    Redis("CROSSSLOT x"),
                    new InvalidOperationException(),
                    new FormatException(),
                    new Microsoft.AspNetCore.Http.BadHttpRequestException("x"),
                ]
        )
        {
            Assert.False(bug.IsOutage(), $"{bug}");
        }

        Assert.True(Postgres("57P03").IsUnreachable());
        Assert.False(Postgres("25006").IsUnreachable());
        Assert.False(Redis("OOM x").IsUnreachable());
    }

    private static PostgresException Postgres(string state) => new("x", "ERROR", "ERROR", state);

    private static RedisServerException Redis(string message) => new(default, default, message);
}

/// <summary>Where classes under test report what failed.</summary>
internal static class NoFailures
{
    /// <summary>For what is not to fail.</summary>
    public static Failures Expected() => With(TimeProvider.System, NullLogger<Failures>.Instance);

    public static Failures With(TimeProvider time, ILogger<Failures> logger) =>
        new(new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>(), time, logger);
}

/// <summary>Keeps lines as they would be printed.</summary>
internal sealed class KeptLog : ILogger<Failures>
{
    public List<string> Lines { get; } = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Add($"{logLevel}: {formatter(state, exception)}");
}
