using Konstruct.AppHost.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Konstruct.AppHost.LocalServers;

/// <summary>
/// Ends the application when a store cannot start, because every service would wait for it. The console shows
/// the server's error. A server that has run once may be stopped and started freely.
/// </summary>
internal static class FirstStart
{
    public static IResourceBuilder<T> StopTheApplicationWhenItCannotStart<T>(this IResourceBuilder<T> server)
        where T : LocalServerResource
    {
        var hasRun = false;
        return server
            .OnResourceReady(
                (_, _, _) =>
                {
                    Volatile.Write(ref hasRun, true);
                    return Task.CompletedTask;
                }
            )
            .OnResourceStopped(
                async (resource, stopped, stop) =>
                {
                    var lifetime = stopped.Services.GetRequiredService<IHostApplicationLifetime>();
                    if (Volatile.Read(ref hasRun) || lifetime.ApplicationStopping.IsCancellationRequested)
                    {
                        return;
                    }

                    var sentence = await LastErrorAsync(
                        stopped.Services.GetRequiredService<ResourceLoggerService>(),
                        stopped.ResourceEvent.ResourceId,
                        stop
                    );
                    Environment.ExitCode = Problem.Tell($"{resource.Name}: {sentence}");
                    lifetime.StopApplication();
                }
            );
    }

    private static async Task<string> LastErrorAsync(ResourceLoggerService logs, string resourceId, CancellationToken stop)
    {
        var last = "It ended before it was ready; its log says nothing.";
        await foreach (var lines in logs.GetAllAsync(resourceId).WithCancellation(stop))
        {
            foreach (var line in lines.Where(line => line.IsErrorMessage))
            {
                last = WithoutTime(line.Content);
            }
        }

        return last;
    }

    /// <summary>Removes the time that Aspire puts before each line.</summary>
    private static string WithoutTime(string line) => line.Split(' ', 2) is [var first, var rest] && DateTime.TryParse(first, out _) ? rest : line;
}
