using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Edge;

/// <summary>A gateway of its own with the usual limits: what hostile clients do to it must not touch other tests.</summary>
public sealed class BesiegedPipeline(DatabaseFactory databases) : PipelineFixture(databases)
{
    /// <summary>Hostile clients ask for more answers than Garnet's scripts can carry beside those of the good ones.</summary>
    private protected override RedisKind Redis => RedisKind.Redis;

    private protected override Dictionary<string, string> Settings =>
        new()
        {
            ["Chat__CreateMissingConversations"] = "true",
            ["Chat__AuthDeadline"] = "00:00:05",
            ["Edge__MaxSocketsPerUser"] = "20",
        };
}

/// <summary>
/// Hostile clients of every kind for a minute, beside fifty good ones: each good answer is whole. How long they waited, and the gateway's memory, are
/// reported before, meanwhile and after.
/// </summary>
[Collection<Sharing<BesiegedPipeline>>]
[Trait("Tier", "Long")]
public sealed class SoakTests(BesiegedPipeline fixture) : PipelineTests(fixture)
{
    private const int GoodClients = 50;
    private static readonly TimeSpan Siege = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(5);

    private static (string Name, Func<ServiceProcess, Task> Attack)[] Attacks =>
        [
            (
                "connects and says nothing",
                async gateway =>
                {
                    await using var socket = await ComeAsync(gateway, isAuthenticated: false);
                    await socket.ReadAsync();
                }
            ),
            (
                "hangs up in the middle of a frame",
                async gateway =>
                {
                    await using var socket = await ComeAsync(gateway);
                    await socket.FrameAsync(WireFrame.Text, "{"u8.ToArray(), length: 1000);
                }
            ),
            ("garbage", async gateway => await EndAsync(await ComeAsync(gateway), socket => socket.FrameAsync(3, Noise(200)))),
            (
                "1,000 bad frames",
                async gateway =>
                {
                    await using var socket = await ComeAsync(gateway);
                    for (var i = 0; i < 1_000; i++)
                    {
                        await socket.TextAsync("[");
                    }
                    await ReadAsync(socket, 1_000);
                }
            ),
            (
                "a frame that is too big",
                async gateway => await EndAsync(await ComeAsync(gateway), socket => socket.FrameAsync(WireFrame.Text, new byte[100_000]))
            ),
            (
                "a bomb of brackets",
                async gateway =>
                {
                    await using var socket = await ComeAsync(gateway);
                    await socket.TextAsync(new string('[', 60_000));
                    await socket.ReadAsync();
                }
            ),
            (
                "20 messages at once",
                async gateway =>
                {
                    await using var socket = await ComeAsync(gateway);
                    for (var i = 0; i < 20; i++)
                    {
                        await socket.TextAsync("""{"type":"message","text":"/burst 100"}""");
                    }
                    await ReadAsync(socket, 12);
                }
            ),
            (
                "forged turns",
                async gateway =>
                {
                    await using var socket = await ComeAsync(gateway);
                    for (var i = 0; i < 20; i++)
                    {
                        await socket.TextAsync($$"""{"type":"resume","turnId":"{{Guid.NewGuid()}}"}""");
                        await ReadAsync(socket, 1);
                    }
                }
            ),
            (
                "asks for a long answer and does not read",
                async gateway =>
                {
                    await using var socket = await ComeAsync(gateway);
                    await socket.TextAsync("""{"type":"message","text":"/tiny 10000"}""");
                    await socket.ReadAsync();
                }
            ),
        ];

    [Fact]
    public async Task Good_clients_are_served_while_hostile_ones_do_what_they_can()
    {
        var clients = new List<RawChat>();
        for (var i = 0; i < GoodClients; i++)
        {
            clients.Add((await RawChat.OpenV2Async(Gateway, Person.New(), Guid.NewGuid())).Chat);
        }

        var before = await PlayAsync(clients, Calm);
        var memoryBefore = Gateway.ResidentMegabytes;
        using var end = new CancellationTokenSource();
        var attacks = Attacks.Select(attack => RepeatAsync(attack, end.Token)).ToList();
        var meanwhile = await PlayAsync(clients, Siege);
        var memoryMeanwhile = Gateway.ResidentMegabytes;
        await end.CancelAsync();
        var counts = await Task.WhenAll(attacks);
        var after = await PlayAsync(clients, Calm);
        foreach (var chat in clients)
        {
            await chat.DisposeAsync();
        }

        var report = new StringBuilder()
            .AppendLine(
                CultureInfo.InvariantCulture,
                $"{GoodClients} good clients, a message each after the other, beside hostile ones for {Siege.TotalSeconds} s"
            )
            .AppendLine("              answers   first chunk p50 / p99, ms   gateway's memory, MB")
            .AppendLine(Row("before", before, memoryBefore))
            .AppendLine(Row("meanwhile", meanwhile, memoryMeanwhile))
            .AppendLine(Row("after", after, Gateway.ResidentMegabytes))
            .AppendLine(
                CultureInfo.InvariantCulture,
                $"hostile clients: {string.Join(", ", Attacks.Zip(counts).Select(pair => $"{pair.Second} × {pair.First.Name}"))}"
            )
            .ToString();
        Report.Write("soak.txt", report);
        TestContext.Current.TestOutputHelper?.WriteLine(report);
        Assert.All(counts, count => Assert.True(count > 0, report));
        Assert.True(meanwhile.Count >= GoodClients, report);
        // What the siege took is given back, or at least bounded: a leak of what each hostile client leaves would be far more.
        Assert.True(Gateway.ResidentMegabytes < memoryBefore + 200, report);
        Assert.Equal(200, await Gateway.StatusAsync("/health"));
    }

    private static string Row(string when, IReadOnlyCollection<double> waits, long memory)
    {
        var sorted = waits.Order().ToList();
        return string.Create(CultureInfo.InvariantCulture, $"{when, -12}  {sorted.Count, 7}   {At(0.5), 11:F1} / {At(0.99):F1}             {memory}");

        double At(double quantile) => sorted[Math.Min(sorted.Count - 1, (int)(quantile * sorted.Count))];
    }

    /// <summary>Each client asks again and again, until the time is over. The waits for the first chunk, in milliseconds.</summary>
    private static async Task<IReadOnlyCollection<double>> PlayAsync(IEnumerable<RawChat> clients, TimeSpan duration)
    {
        var waits = new ConcurrentBag<double>();
        var time = Stopwatch.StartNew();
        await Task.WhenAll(
            clients.Select(async chat =>
            {
                while (time.Elapsed < duration)
                {
                    var asked = Stopwatch.GetTimestamp();
                    await chat.SayAsync("/stream tokens=20 rate=25 delay=0");
                    await chat.NextAsync("typing");
                    var first = await chat.NextAsync("chunk");
                    waits.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
                    var rest = await chat.ReadToAsync("done");
                    Assert.Equal(Enumerable.Range(1, 20), rest.SkipLast(1).Prepend(first).Select(frame => frame.Seq!.Value));
                    Assert.Equal("completed", rest[^1].Reason);
                }
            })
        );
        return waits;
    }

    private async Task<int> RepeatAsync((string Name, Func<ServiceProcess, Task> Attack) attack, CancellationToken end)
    {
        var count = 0;
        while (!end.IsCancellationRequested)
        {
            await attack.Attack(Gateway);
            count++;
        }

        return count;
    }

    private static async Task<RawSocket> ComeAsync(ServiceProcess gateway, bool isAuthenticated = true)
    {
        var socket = await RawSocket.ConnectAsync(gateway.Port);
        await socket.UpgradeAsync($"{Guid.NewGuid()}", isV2: true);
        if (isAuthenticated)
        {
            await socket.TextAsync(Person.New().Auth);
            await socket.ReadAsync();
        }

        return socket;
    }

    /// <summary>Reads frames, or to the end: on a busy machine a hostile client may be too late to authenticate.</summary>
    private static async Task ReadAsync(RawSocket socket, int frames)
    {
        for (var i = 0; i < frames && !socket.HasEnded; i++)
        {
            await socket.ReadAsync();
        }
    }

    private static async Task EndAsync(RawSocket hostile, Func<RawSocket, Task> attack)
    {
        await using (hostile)
        {
            await attack(hostile);
            await hostile.ReadAsync();
        }
    }

    private static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        Random.Shared.NextBytes(bytes);
        return bytes;
    }
}
