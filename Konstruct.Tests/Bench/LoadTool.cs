using System.Text.Json;
using CliWrap;
using CliWrap.Buffered;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Bench;

/// <summary>The load generator as its users run it: a process with options, and the JSON that it leaves.</summary>
internal static class LoadTool
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    public static async Task<LoadResult> RunAsync(int port, params string[] options)
    {
        using var folder = new TemporaryFolder();
        using var deadline = new CancellationTokenSource(Limit);
        var file = Path.Combine(folder.Path, "result.json");
        var run = await Cli.Wrap("dotnet")
            .WithArguments([BuiltPrograms.Dll("bench/Konstruct.Load"), "run", "--url", $"ws://127.0.0.1:{port}", "--json", file, .. options])
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(deadline.Token);
        return File.Exists(file)
            ? new(run.ExitCode, run.StandardOutput, JsonElement.Parse(await File.ReadAllBytesAsync(file, deadline.Token)))
            : throw new InvalidOperationException($"The load generator left no result:\n{run.StandardOutput}\n{run.StandardError}");
    }
}

/// <summary>What a run of the generator said.</summary>
internal sealed record LoadResult(int ExitCode, string Table, JsonElement Json)
{
    public int this[string count] => Json.GetProperty(count).GetInt32();

    /// <summary>Milliseconds.</summary>
    public double Time(string distribution, string quantile) => Json.GetProperty(distribution).GetProperty(quantile).GetDouble();
}
