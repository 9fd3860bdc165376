using System.Net.Sockets;
using Xunit;

namespace Konstruct.Tests.Harness;

/// <summary>How an HTTP call ends whose server dies. HttpClient does not wrap every socket's error.</summary>
internal static class BrokenConnection
{
    public static bool Is(Exception exception) => exception is HttpRequestException or SocketException;

    public static async Task ExpectAsync(Func<Task> call)
    {
        var exception = await Record.ExceptionAsync(call);
        Assert.True(exception is not null && Is(exception), $"The call ended with: {exception}");
    }
}
