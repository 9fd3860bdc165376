using System.Diagnostics;
using System.Globalization;
using System.Net.WebSockets;
using System.Text.Json;
using Konstruct.Load.Client;

namespace Konstruct.Load.Measure;

/// <summary>Opens silent sockets and measures the server's memory; then lets some of them get an answer at once, and measures again.</summary>
internal static class IdleRun
{
    private const int ConnectingAtOnce = 64;

    /// <summary>Small, because the generator has as many sockets as the server.</summary>
    private const int Buffer = 256;

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan SettleLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan BurstLimit = TimeSpan.FromSeconds(60);

    public static async Task<int> RunAsync(IdleOptions options, CancellationToken cancel)
    {
        await SettleAsync(options.Server, cancel);
        var empty = options.Server.ResidentKb();
        var emptyCpu = await CpuPercentAsync(options, cancel);
        var sockets = new List<IdleSocket>();
        var steps = new List<IdleStep>();
        foreach (var count in options.Sockets)
        {
            await OpenAsync(sockets, count, options, cancel);
            await SettleAsync(options.Server, cancel);
            var resident = options.Server.ResidentKb();
            steps.Add(new(count, resident, Math.Round((resident - empty) / (double)count, 1), await CpuPercentAsync(options, cancel)));
            Console.Error.WriteLine(
                $"{count} sockets: {resident / 1024} MB, {steps[^1].KbEach.ToString("F1", CultureInfo.InvariantCulture)} KB each"
            );
        }

        var (chunks, after) = await BurstAsync(sockets, options, cancel);
        var outcome = new IdleOutcome(
            options.Dialect.ToString(),
            empty,
            emptyCpu,
            steps,
            options.BurstSockets,
            chunks,
            options.Server.PeakKb(),
            after,
            Math.Round(after / (double)steps[^1].ResidentKb, 3)
        );
        Console.WriteLine(
            $"{outcome.Dialect}: empty {empty} KB; {string.Join("; ", steps.Select(step => $"{step.Sockets}: {step.KbEach.ToString(CultureInfo.InvariantCulture)} KB each"))}"
        );
        Console.WriteLine(
            $"after a burst of {chunks} chunks on {options.BurstSockets} sockets: {outcome.AfterBurstRatio.ToString(CultureInfo.InvariantCulture)} of before; {outcome.BurstPeakKb} KB at most"
        );
        if (options.Json is { } file)
        {
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(outcome, OutcomeJson.Default.IdleOutcome), cancel);
        }

        var lost = sockets.Count(socket => socket.IsClosed);
        foreach (var closed in sockets.Where(socket => socket.IsClosed).GroupBy(socket => socket.CloseCode))
        {
            Console.Error.WriteLine($"{closed.Count()} sockets were closed by the server meanwhile, with {(object?)closed.Key ?? "no close code"}.");
        }

        return lost == 0 ? 0 : 1;
    }

    private static async Task OpenAsync(List<IdleSocket> sockets, int count, IdleOptions options, CancellationToken cancel)
    {
        var opened = new IdleSocket[count - sockets.Count];
        await Parallel.ForAsync(
            0,
            opened.Length,
            new ParallelOptions { MaxDegreeOfParallelism = ConnectingAtOnce, CancellationToken = cancel },
            async (i, token) => opened[i] = await IdleSocket.OpenAsync(options, Buffer, cancel)
        );
        sockets.AddRange(opened);
    }

    private static async Task<(long Chunks, long AfterKb)> BurstAsync(List<IdleSocket> sockets, IdleOptions options, CancellationToken cancel)
    {
        if (options.BurstSockets > 0)
        {
            var chosen = sockets.Take(options.BurstSockets).ToArray();
            await Task.WhenAll(chosen.Select((socket, i) => socket.AskAsync($"{options.BurstText} {i}", cancel)));
            await Task.WhenAll(chosen.Select(socket => socket.Answered)).WaitAsync(BurstLimit, cancel);
            await Task.Delay(options.Rest, cancel);
        }

        return (sockets.Sum(socket => socket.Chunks), options.Server.ResidentKb());
    }

    /// <summary>The server's CPU time while all are silent, in per cent of a core; null: not asked for.</summary>
    private static async Task<double?> CpuPercentAsync(IdleOptions options, CancellationToken cancel)
    {
        if (options.Silence <= TimeSpan.Zero)
        {
            return null;
        }

        var (began, cpu) = (Stopwatch.GetTimestamp(), options.Server.CpuSeconds());
        await Task.Delay(options.Silence, cancel);
        return Math.Round((options.Server.CpuSeconds() - cpu) / Stopwatch.GetElapsedTime(began).TotalSeconds * 100, 3);
    }

    /// <summary>Waits until the server is idle: almost no CPU time, and constant memory.</summary>
    private static async Task SettleAsync(WatchedProcess server, CancellationToken cancel)
    {
        var began = Stopwatch.GetTimestamp();
        var calm = 0;
        while (calm < 4 && Stopwatch.GetElapsedTime(began) < SettleLimit)
        {
            var (cpu, memory) = (server.CpuSeconds(), server.ResidentKb());
            await Task.Delay(Glance, cancel);
            var isCalm = server.CpuSeconds() - cpu <= 0.02 && Math.Abs(server.ResidentKb() - memory) <= memory / 100;
            calm = isCalm ? calm + 1 : 0;
        }
    }

    /// <summary>A socket with a pending read, so that pings are answered.</summary>
    private sealed class IdleSocket
    {
        private readonly ChatConnection _connection;
        private readonly IdleOptions _options;
        private readonly Person _person;
        private readonly TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        private IdleSocket(ChatConnection connection, IdleOptions options, Person person)
        {
            (_connection, _options, _person) = (connection, options, person);
        }

        public bool IsClosed { get; private set; }

        public int? CloseCode => _connection.CloseCode;

        public long Chunks { get; private set; }

        public Task Answered => _answered.Task;

        public static async Task<IdleSocket> OpenAsync(IdleOptions options, int buffer, CancellationToken cancel)
        {
            var person = Person.New();
            var connection = await ChatConnection.OpenAsync(options.Url, options.Dialect, person, options.JwtKey, buffer, cancel);
            var socket = new IdleSocket(connection, options, person);
            _ = socket.ReadAsync(cancel); // Observed by IsClosed and Answered.
            return socket;
        }

        public Task AskAsync(string text, CancellationToken cancel) => _connection.SendAsync(_options.Dialect.Message(_person, text, 0), cancel);

        private async Task ReadAsync(CancellationToken cancel)
        {
            using var givingUp = cancel.Register(_connection.Abort);
            while (await _connection.ReadAsync())
            {
                Count();
            }

            if (cancel.IsCancellationRequested)
            {
                _answered.TrySetCanceled(cancel);
                return;
            }

            IsClosed = true;
            _answered.TrySetException(new WebSocketException($"The server closed a socket with {_connection.CloseCode}."));
        }

        private void Count()
        {
            foreach (var range in _connection.Frame.Split(Dialects.RecordSeparator))
            {
                var record = _connection.Frame[range];
                var kind = record.IsEmpty
                    ? FrameKind.Other
                    : ServerFrame.Parse(_options.Dialect == Dialect.SignalR ? Dialects.ArgumentOf(record) : record).Kind;
                Chunks += kind == FrameKind.Chunk ? 1 : 0;
                if (kind is FrameKind.Done or FrameKind.Error)
                {
                    _answered.TrySetResult();
                }
            }
        }
    }
}

/// <summary>The server's memory with a number of open sockets.</summary>
/// <param name="Sockets">Number of authenticated, silent sockets.</param>
/// <param name="ResidentKb">Resident memory of the server.</param>
/// <param name="KbEach">Increase since the beginning, per socket.</param>
/// <param name="CpuPercent">CPU time while all are silent, in per cent of a core; null: not measured.</param>
internal sealed record IdleStep(int Sockets, long ResidentKb, double KbEach, double? CpuPercent);

/// <summary>Result of <c>idle</c>. Memory in KB.</summary>
internal sealed record IdleOutcome(
    string Dialect,
    long EmptyKb,
    double? EmptyCpuPercent,
    IReadOnlyList<IdleStep> Steps,
    int BurstSockets,
    long BurstChunks,
    long BurstPeakKb,
    long AfterBurstKb,
    double AfterBurstRatio
);
