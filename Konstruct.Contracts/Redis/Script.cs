using System.Reflection;
using Konstruct.Contracts.Telemetry;
using StackExchange.Redis;

namespace Konstruct.Contracts.Redis;

/// <summary>A Lua script, embedded as a file. Its head comment states keys, arguments, result and the race that it closes.</summary>
internal sealed class Script
{
    private readonly string _name;
    private readonly string _text;

    private Script(string name)
    {
        _name = name;
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name + ".lua")
            ?? throw new InvalidOperationException($"The script {name}.lua is not embedded.");
        using var reader = new StreamReader(stream);
        _text = reader.ReadToEnd();
    }

    public static readonly Script Open = new("open");
    public static readonly Script Append = new("append");
    public static readonly Script Finish = new("finish");
    public static readonly Script End = new("end");
    public static readonly Script Enqueue = new("enqueue");
    public static readonly Script Claim = new("claim");
    public static readonly Script Renew = new("renew");
    public static readonly Script Answer = new("answer");
    public static readonly Script Settle = new("settle");
    public static readonly Script Inspect = new("inspect");
    public static readonly Script Stale = new("stale");
    public static readonly Script Take = new("take");
    public static readonly Script Measure = new("measure");
    public static readonly Script TryTurn = new("try_turn");
    public static readonly Script TryDispatch = new("try_dispatch");
    public static readonly Script Bury = new("bury");
    public static readonly Script State = new("state");

    /// <summary>Runs the script, with a span if there is a current trace.</summary>
    public Task<RedisResult> RunAsync(IDatabaseAsync database, RedisKey[] keys, RedisValue[] values) =>
        RedisOperation.TraceAsync(_name, () => RunUntracedAsync(database, keys, values));

    /// <summary>Runs the script without a span, for calls that are made per token.</summary>
    public Task<RedisResult> RunUntracedAsync(IDatabaseAsync database, RedisKey[] keys, RedisValue[] values) =>
        database.ScriptEvaluateAsync(_text, keys, values);
}
