from grafana.queries import panel_queries, queries
from grafana.wall import wall


def test_every_statement_of_the_file_stands_in_a_panel_once():
    shown = [sql for _, sql in panel_queries(wall())]
    assert sorted(shown) == sorted(queries().values())


def test_panel_queries_are_titles_and_sql_in_order():
    dashboard = {
        "panels": [
            {"title": "a", "targets": [{"rawSql": "SELECT 1"}, {"rawSql": "SELECT 2"}]},
            {"title": "text only"},
            {"title": "b", "targets": [{"rawSql": "SELECT 3"}]},
        ]
    }
    assert panel_queries(dashboard) == [("a", "SELECT 1"), ("a", "SELECT 2"), ("b", "SELECT 3")]
