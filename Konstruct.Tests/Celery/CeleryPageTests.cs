using Konstruct.Tests.Docs;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Celery;

/// <summary>The task that docs/guide/celery.md shows answers a message, without and with its one line for several turns.</summary>
[Collection<Sharing<CeleryPipeline<OnGarnet>>>]
public sealed class CeleryPageTests(CeleryPipeline<OnGarnet> fixture) : CeleryTestBase(fixture)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_task_of_the_page_answers(bool echoesTurn)
    {
        using var folder = new TemporaryFolder();
        var package = Directory.CreateDirectory(Path.Combine(folder.Path, "orchestrator")).FullName;
        var task = echoesTurn ? Task().Replace("turn = {}", """turn = {"turn_id": task_payload["turn_id"]}""", StringComparison.Ordinal) : Task();
        await File.WriteAllTextAsync(Path.Combine(package, "__init__.py"), "", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(package, "tasks.py"), task, TestContext.Current.CancellationToken);
        var list = $"page-{echoesTurn}";
        await using var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["Dispatch__Celery__List"] = list, ["Dispatch__Celery__EchoesTurn"] = $"{echoesTurn}" }
        );
        await using var worker = await CeleryWorker.StartAsync(Pipeline.Redis, queues: list, folder: folder.Path);
        await using var chat = await RawChat.OpenAsync(gateway, Me, Conversation);
        await chat.SayAsync("hello");
        Assert.Equal(["You ", "said: ", "hello"], (await chat.ReceiveTurnAsync()).AssertWhole(Conversation).Chunks);
    }

    /// <summary>The block of Python, without the indentation of the list that it is in.</summary>
    private static string Task()
    {
        var page = MarkdownPage.Of("docs/guide/celery.md").Text;
        var start = page.IndexOf("   ```python\n", StringComparison.Ordinal) + "   ```python\n".Length;
        var block = page[start..page.IndexOf("   ```\n", start, StringComparison.Ordinal)];
        return string.Join('\n', block.Split('\n').Select(line => line.StartsWith("   ", StringComparison.Ordinal) ? line[3..] : line));
    }
}
