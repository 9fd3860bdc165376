namespace Konstruct.Gateway.Telemetry;

/// <summary>Runs work for several callers in the trace and log scopes of one of them, because there can be only one.</summary>
internal static class CapturedContext
{
    /// <summary>Runs work in a captured context.</summary>
    public static Task RunAsync(this ExecutionContext? context, Func<Task> work)
    {
        if (context is null)
        {
            return work();
        }

        var running = Task.CompletedTask;
        ExecutionContext.Run(context, _ => running = work(), null);
        return running;
    }
}
