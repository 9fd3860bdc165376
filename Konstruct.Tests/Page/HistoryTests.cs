using Konstruct.Tests.Conversations;
using Konstruct.Tests.Harness;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Konstruct.Tests.Page;

/// <summary>A long past is read page by page, and nothing jumps under the reader's eyes.</summary>
public sealed class HistoryTests(PagePipeline fixture) : PageTests(fixture)
{
    private const int Turns = 1_000;

    /// <summary>
    /// Scrolls up as a wheel does until the first message is there, and asks in each frame how far what is in sight has moved beyond what the wheel moved it.
    /// </summary>
    private const string ScrollToTheBeginning = """
        async () => {
          const scroll = document.getElementById('scroll');
          const frames = [];
          let jump = 0;
          let last = performance.now();
          const deadline = last + 60_000;
          const frame = () => new Promise(resolve => requestAnimationFrame(resolve));
          while (performance.now() < deadline) {
            const top = scroll.getBoundingClientRect().top;
            const anchor = [...document.querySelectorAll('#log > .turn')].find(turn => turn.getBoundingClientRect().bottom > top + 50);
            const before = anchor.getBoundingClientRect().top;
            const wanted = Math.min(200, scroll.scrollTop);
            scroll.scrollTop -= wanted;
            await frame();
            const now = performance.now();
            frames.push(now - last);
            last = now;
            jump = Math.max(jump, Math.abs(anchor.getBoundingClientRect().top - before - wanted));
            if (scroll.scrollTop === 0 && document.getElementById('history-state').dataset.state === '' && document.querySelector('#log .bubble')?.textContent === 'question 1') break;
          }
          frames.sort((a, b) => a - b);
          return [frames.length, frames[Math.floor(frames.length / 2)], frames[Math.floor(frames.length * .99)], jump, document.querySelectorAll('#log > .turn').length];
        }
        """;

    [Fact]
    [Trait("Tier", "Long")]
    public async Task Two_thousand_messages_scroll()
    {
        await SeedAsync();
        var tab = await OpenAsync();
        await Expect(tab.Page.Locator(".bubble").Last).ToHaveTextAsync($"question {Turns}");
        await Expect(tab.Page.Locator(".bubble").Last).ToBeInViewportAsync();
        Assert.InRange(await tab.Turns.CountAsync(), 10, 100);

        var measured = await tab.Page.EvaluateAsync<double[]>(ScrollToTheBeginning);
        var (frames, median, slow, jump, turns) = (measured[0], measured[1], measured[2], measured[3], measured[4]);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{frames} frames: median {median:0.0} ms, 99th percentile {slow:0.0} ms; the greatest jump {jump:0.0} px; {turns} turns"
        );
        Assert.Equal(Turns, turns);
        Assert.True(jump < 2, $"what was in sight jumped by {jump} px");
        Assert.True(median < 50, $"a frame took {median} ms");

        // And still: a new message is at the end, in sight, and its answer is followed.
        await tab.SayAsync("/burst 3");
        await tab.ExpectAnswerAsync(Answers.Of("/burst 3"));
        await Expect(tab.Answers.Last).ToBeInViewportAsync();
    }

    [Fact]
    public async Task Who_reads_the_past_is_not_taken_to_the_end_by_an_answer()
    {
        await SeedAsync();
        var tab = await OpenAsync();
        await Expect(tab.Page.Locator(".bubble").Last).ToHaveTextAsync($"question {Turns}");
        await tab.SayAsync("/stream tokens=100000 rate=50 delay=0");
        await tab.WordsAsync(5);
        await tab.Page.Locator("#scroll").EvaluateAsync("scroll => scroll.scrollTop -= 1500");
        var seen = await tab.Page.Locator("#scroll").EvaluateAsync<double>("scroll => scroll.scrollTop");
        var words = await tab.WordsAsync(5);
        await tab.WordsAsync(words.Split(' ').Length + 60);
        Assert.Equal(seen, await tab.Page.Locator("#scroll").EvaluateAsync<double>("scroll => scroll.scrollTop"), tolerance: 1.0);
        await tab.Button("Latest").ClickAsync();
        await Expect(tab.Answers.Last).ToBeInViewportAsync();
        await tab.Page.Keyboard.PressAsync("Escape");
        await tab.ExpectStatusAsync("cancelled");
    }

    [Fact]
    public async Task What_cannot_be_read_is_said_and_can_be_asked_for_again()
    {
        await new ApiClient(Gateway, Me).CreateAsync("Known");
        var tab = await OpenAsync();
        await tab.Page.RouteAsync("**/chat/conversations**", route => route.AbortAsync());
        await tab.Page.ReloadAsync();
        await Expect(tab.Page.Locator("#list-state")).ToContainTextAsync("The conversations could not be read. The gateway does not answer.");
        await Expect(tab.Page.Locator("#history-state")).ToContainTextAsync("The messages could not be read.");
        await tab.Page.UnrouteAllAsync();
        await tab.Page.Locator("#list-state").GetByRole(AriaRole.Button).ClickAsync();
        await Expect(tab.Page.Locator("#conversations a")).ToContainTextAsync(["Known"]);
        await Expect(tab.Page.Locator("#list-state")).Not.ToContainTextAsync("could not be read");
    }

    [Fact]
    public async Task While_it_is_read_that_is_said()
    {
        var tab = await OpenAsync();
        var gate = new TaskCompletionSource();
        await tab.Page.RouteAsync(
            "**/chat/conversations**",
            async route =>
            {
                await gate.Task;
                await route.ContinueAsync();
            }
        );
        await tab.Page.ReloadAsync();
        await Expect(tab.Page.Locator("#conversations .skeleton")).ToHaveCountAsync(4);
        await Expect(tab.Page.Locator("#list-state")).ToHaveTextAsync("Loading…");
        gate.SetResult();
        await Expect(tab.Page.Locator("#conversations .skeleton")).ToHaveCountAsync(0);
    }

    private async Task SeedAsync()
    {
        await Sql.ExecuteAsync(
            $"""
            INSERT INTO web_conversations (tenant_id, id, user_id, agent_id, title)
            VALUES ('{Me.Tenant}', '{Conversation}', '{Me.User}', 'agent', 'A long past');
            WITH turns AS (
                SELECT n, gen_random_uuid() AS turn, now() - interval '1 day' + n * interval '1 second' AS at
                FROM generate_series(1, {Turns}) AS n)
            INSERT INTO web_conversation_messages (tenant_id, id, conversation_id, role, content, created_at, turn_id, status, attempt)
            SELECT '{Me.Tenant}', gen_random_uuid(), '{Conversation}', role, CASE role WHEN 'user' THEN 'question ' || n ELSE
                'Answer **' || n || '**: ' || repeat('some words that fill a line and more, ', 1 + n % 9) || E'\n\n- one\n- two\n\n```\ncode ' || n || E'\n```' END,
                at, turn, 'completed', 1
            FROM turns CROSS JOIN (VALUES ('user'), ('assistant')) AS roles (role);
            """
        );
    }
}
