namespace Konstruct.Gateway.Telemetry;

/// <summary>Work for several callers, done in the trace and the log scopes of one of them: there can be only one.</summary>
internal static class CapturedContext
{
    /// <summary>Begins work as if who captured the context had.</summary>
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
