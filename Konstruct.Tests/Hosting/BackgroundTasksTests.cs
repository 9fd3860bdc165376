using Konstruct.Gateway.Hosting;
using Konstruct.Tests.Faults;
using Konstruct.Tests.Harness;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Konstruct.Tests.Hosting;

/// <summary>The shutdown waits for work that nobody else waits for.</summary>
public sealed class BackgroundTasksTests
{
    private readonly BackgroundTasks _tasks = new(NoFailures.Expected(), NullLogger<BackgroundTasks>.Instance);

    [Fact]
    public async Task What_a_task_begins_is_waited_for_as_well()
    {
        var (first, begun, second) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        _tasks.Run(
            "the first",
            async () =>
            {
                await first.Task;
                _tasks.Run(
                    "what it begins",
                    () =>
                    {
                        begun.SetResult();
                        return second.Task;
                    }
                );
            }
        );
        var secondHadEnded = _tasks.WhenIdleAsync().ContinueWith(_ => second.Task.IsCompleted, TaskScheduler.Default);

        first.SetResult();
        await begun.Task;
        await Until.TrueAsync(() => Task.FromResult(_tasks.Count == 1)); // The first has ended.
        second.SetResult();
        Assert.True(await secondHadEnded);
        Assert.Equal(0, _tasks.Count);
    }
}
