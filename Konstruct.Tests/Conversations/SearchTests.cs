using Konstruct.Gateway.Conversations;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Conversations;

/// <summary>The list of conversations, searched by title.</summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class SearchTests : PipelineTests
{
    private readonly Person _person = Person.New();
    private readonly ApiClient _api;

    public SearchTests(UsualPipeline<OnGarnet> fixture)
        : base(fixture) => _api = new(Gateway, _person);

    [Theory]
    [InlineData("invoice", "An Invoice")]
    [InlineData("INVOICE", "An Invoice")]
    [InlineData("  an inv ", "An Invoice")]
    [InlineData("Ärger", "viel ärger")] // The locale C, in which a database may be, changes ASCII letters only.
    [InlineData("VIEL Ä", "viel ärger")]
    [InlineData("100%", "100% sure")]
    [InlineData("%", "100% sure")]
    [InlineData("a_b", "a_b")]
    [InlineData("""C:\""", """C:\temp""")]
    [InlineData("[x]", "[x] (y)+ ^z$ {1}|.*?")]
    [InlineData("(Y)+ ^z$ {1}|.*?", "[x] (y)+ ^z$ {1}|.*?")]
    [InlineData("***=", "***=literal")]
    [InlineData("it's", "It's \"quoted\"; --")]
    [InlineData("🧾", "Rechnungen 🧾")]
    [InlineData("a\u0000b", "a\uFFFDb")] // A title's NUL is stored as this.
    [InlineData("nothing of the kind")]
    [InlineData("aXb")]
    [InlineData(".*zzz|")]
    public async Task A_part_of_the_title_is_found_whatever_its_case_and_literally(string part, params string[] expected)
    {
        foreach (
            var title in new[]
            {
                "An Invoice",
                "viel ärger",
                "100% sure",
                "a_b",
                """C:\temp""",
                "[x] (y)+ ^z$ {1}|.*?",
                "***=literal",
                "It's \"quoted\"; --",
                "Rechnungen 🧾",
                "a\u0000b",
                null,
            }
        )
        {
            await _api.CreateAsync(title);
        }

        Assert.Equal(expected, await TitlesAsync($"?title={Uri.EscapeDataString(part)}"));
    }

    /// <summary>In the locale C, which the tests' databases have, a backslash before such a sign does no harm.</summary>
    [Fact]
    public void A_sign_that_is_a_letter_in_some_locale_is_not_escaped() => Assert.Equal("हि\\-७—", TitleSearch.PatternOf("हि-७—"));

    [Theory]
    [InlineData("?title=")]
    [InlineData("?title=%20%20")]
    [InlineData("")]
    public async Task Without_a_title_all_are_listed(string query)
    {
        await _api.CreateAsync("One");
        await _api.CreateAsync();
        Assert.Equal(2, (await _api.GetAsync(query)).Expect(200).Json.GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task The_default_page_has_twenty()
    {
        for (var n = 0; n < 21; n++)
        {
            await _api.CreateAsync($"Same {n}");
        }

        foreach (var query in new[] { "", "?title=same" })
        {
            var page = (await _api.GetAsync(query)).Expect(200).Json;
            Assert.Equal(20, page.GetProperty("items").GetArrayLength());
            Assert.NotNull(page.GetProperty("next").GetString());
        }
    }

    [Fact]
    public async Task Pages_of_a_search_have_each_match_once()
    {
        await Sql.ExecuteAsync(
            $"""
            INSERT INTO web_conversations (tenant_id, id, user_id, agent_id, title, updated_at)
            SELECT '{_person.Tenant}', gen_random_uuid(), '{_person.User}', 'x', CASE n % 3 WHEN 0 THEN 'Match ' ELSE 'other ' END || n,
                   '2026-01-01 00:00:00.123456+00'
            FROM generate_series(1, 60) n
            """
        );
        var titles = new List<string>();
        for (string? next = ""; next is not null; )
        {
            var page = (await _api.GetAsync($"?title=match&limit=7{(next.Length > 0 ? $"&cursor={next}" : "")}")).Expect(200).Json;
            titles.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("title").GetString()!));
            next = page.GetProperty("next").GetString();
        }

        Assert.Equal(Enumerable.Range(1, 60).Where(n => n % 3 == 0).Select(n => $"Match {n}").Order(), titles.Order());
    }

    [Fact]
    public async Task Titles_of_other_users_and_tenants_are_not_seen()
    {
        await new ApiClient(Gateway, Person.New()).CreateAsync("Secret of another tenant");
        await new ApiClient(Gateway, _person with { User = Guid.NewGuid() }).CreateAsync("Secret of another user");
        await new ApiClient(Gateway, _person with { Tenant = Guid.NewGuid() }).CreateAsync("Secret of mine elsewhere");
        await _api.CreateAsync("My secret");

        foreach (var part in new[] { "secret", ".*", "' OR true --", "e" })
        {
            Assert.Subset(new HashSet<string?>(["My secret"]), (await TitlesAsync($"?title={Uri.EscapeDataString(part)}")).ToHashSet());
        }

        Assert.Equal(["My secret"], await TitlesAsync("?title=secret"));
    }

    [Fact]
    public async Task A_title_that_is_too_long_is_a_400_with_a_sentence()
    {
        (await _api.GetAsync($"?title={new string('t', 200)}")).Expect(200);
        Assert.Equal("'title' is longer than 200 characters.", (await _api.GetAsync($"?title={new string('t', 201)}")).ExpectProblem(400));
        Assert.Equal("The limit must be a number from 1 to 100.", (await _api.GetAsync("?title=t&limit=101")).ExpectProblem(400));
    }

    private async Task<IEnumerable<string?>> TitlesAsync(string query) =>
        (await _api.GetAsync(query)).Expect(200).Json.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("title").GetString());
}
