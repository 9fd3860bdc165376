using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using Xunit;
using Xunit.Sdk;

namespace Konstruct.Tests.Harness;

/// <summary>
/// Why something that tests share did not start. The first test that uses it fails with the reason; the others are skipped with a line that points there.
/// An exception of a fixture's <c>InitializeAsync</c> would be reported whole for every test.
/// </summary>
internal sealed class StartFailure
{
    private readonly Exception _reason;
    private readonly string _what;
    private int _reports;

    private StartFailure(Exception reason, string what) => (_reason, _what) = (reason, what);

    /// <param name="start">Starts it.</param>
    /// <param name="what">What messages call it.</param>
    /// <returns>Null when it started.</returns>
    public static async Task<StartFailure?> OfAsync(Func<Task> start, string what)
    {
        try
        {
            await start();
            return null;
        }
        catch (Exception reason)
        {
            return new(reason, what);
        }
    }

    /// <summary>Fails the first caller's test and skips the others'. Skips all where a program is missing.</summary>
    [DoesNotReturn]
    public void Report()
    {
        if (_reason is not SkipException && Interlocked.Increment(ref _reports) > 1)
        {
            Assert.Skip($"{_what} did not start; the test that failed first with it says why.");
        }

        ExceptionDispatchInfo.Throw(_reason);
    }
}
