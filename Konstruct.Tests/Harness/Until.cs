using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Konstruct.Tests.Harness;

/// <summary>Waits for conditions, never for a guessed time.</summary>
internal static class Until
{
    /// <summary>
    /// How long a test waits for something that should happen at once. Generous: a loaded CI machine must not fail a test, and what hangs hangs longer. An
    /// answer that another attempt had to bring is seen all the same, by its <c>reset</c>.
    /// </summary>
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>Asks again and again until the answer is yes.</summary>
    /// <exception cref="TimeoutException">The answer was still no at the deadline.</exception>
    public static Task TrueAsync(
        Func<Task<bool>> condition,
        TimeSpan? within = null,
        [CallerArgumentExpression(nameof(condition))] string? what = null
    ) => NotNullAsync(async () => await condition() ? "yes" : null, within, what);

    /// <summary>Asks again and again until there is an answer.</summary>
    /// <exception cref="TimeoutException">There was none at the deadline.</exception>
    public static async Task<T> NotNullAsync<T>(
        Func<Task<T?>> question,
        TimeSpan? within = null,
        [CallerArgumentExpression(nameof(question))] string? what = null
    )
        where T : class
    {
        var limit = within ?? Soon;
        var elapsed = Stopwatch.StartNew();
        while (elapsed.Elapsed < limit)
        {
            if (await question() is { } answer)
            {
                return answer;
            }

            await Task.Delay(PollInterval);
        }

        throw new TimeoutException($"Not within {limit.TotalSeconds} s: {what}");
    }
}
